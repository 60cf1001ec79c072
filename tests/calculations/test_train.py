"""Tests of the training job: what it writes, what it refuses, what its hash depends on."""

import json
from pathlib import Path

import pytest
from aiida.common.folders import SandboxFolder
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import Dict, InstalledCode, Int, Str

from aiida_osc.calculations.launch_lock import APPEND, PREPEND
from aiida_osc.calculations.train import TrainCalculation
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings

SMALL = {'members': 1, 'hidden': 8, 'depth': 1, 'readout': 8, 'epochs': 2, 'piece_epochs': 1}


@pytest.fixture(scope='module')
def checkpoints(labelled_table):
    """Return an unfinished and a finished model."""
    settings = SurrogateSettings.from_dict(SMALL)
    first = fit_surrogate_piece(labelled_table, settings, seed=0)
    return first, fit_surrogate_piece(labelled_table, settings, seed=0, checkpoint=first)


@pytest.fixture
def inputs(aiida_code_installed, labelled_table):
    code = aiida_code_installed(filepath_executable='/usr/bin/aiida-osc')
    molecules = MoleculeSetData(labelled_table)
    return {'code': code, 'kind': Str('surrogate'), 'molecules': molecules, 'settings': Dict(SMALL)}


@pytest.fixture
def geometries():
    return GeometrySetData(GeometryTable([Geometry('KEY', 0, [1, 1], [[0, 0, 0], [0.74, 0, 0]])], 'GFN2-xTB'))


@pytest.fixture
def prepare():
    """Return a function that gives the process, its calc info and the written files."""

    def run(inputs):
        process = instantiate_process(get_manager().get_runner(), TrainCalculation, **inputs, metadata={'options': {}})
        with SandboxFolder() as folder:
            info = process.prepare_for_submission(folder)
            content = {name: Path(folder.abspath, name).read_text() for name in folder.get_content_list()}
        return process, info, content

    return run


def test_files_and_command(prepare, inputs):
    process, info, content = prepare({**inputs, 'seed': Int(-3), 'pieces': Int(2)})
    assert json.loads(content.pop('settings.json')) == SMALL
    assert content == {}
    (code_info,) = info.codes_info
    assert code_info.cmdline_params == [
        'train', 'surrogate', '--data', 'molecules.h5', '--settings', 'settings.json', '--seed=-3', '--out', 'model',
        '--pieces', '2',
    ]  # fmt: skip
    assert info.local_copy_list == [(inputs['molecules'].uuid, 'molecules.h5', 'molecules.h5')]
    assert info.retrieve_list == [
        ('model/weights.safetensors', '.', 2), ('model/config.json', '.', 2), 'train.out', 'job.status',
    ]  # fmt: skip
    assert (info.prepend_text, info.append_text) == (PREPEND, APPEND)
    assert process.node.get_option('parser_name') == 'osc.train'


def test_structures_have_a_file_of_their_own(prepare, inputs, geometries):
    del inputs['settings']
    _, info, _ = prepare({**inputs, 'kind': Str('diffusion'), 'geometries': geometries})
    words = info.codes_info[0].cmdline_params
    assert words[:6] == ['train', 'diffusion', '--data', 'geometries.h5', '--molecules', 'molecules.h5']
    assert (geometries.uuid, 'geometries.h5', 'geometries.h5') in info.local_copy_list


def test_structures_of_a_surrogate_go_along(prepare, inputs, geometries):
    spatial = Dict({**SMALL, 'spatial_members': 1})
    _, info, _ = prepare({**inputs, 'settings': spatial, 'geometries': geometries})
    words = info.codes_info[0].cmdline_params
    assert words[:6] == ['train', 'surrogate', '--data', 'molecules.h5', '--geometries', 'geometries.h5']
    assert (geometries.uuid, 'geometries.h5', 'geometries.h5') in info.local_copy_list
    with pytest.raises(ValueError, match='give geometries'):
        prepare({**inputs, 'settings': spatial})


def test_a_checkpoint_is_gone_on_with_and_a_finished_model_is_a_start(prepare, inputs, checkpoints):
    for artifact, folder in zip(checkpoints, ('model', 'start'), strict=True):
        node = ModelData(artifact)
        _, info, _ = prepare({**inputs, 'checkpoint': node})
        copied = [item for item in info.local_copy_list if item[0] == node.uuid]
        assert copied == [(node.uuid, name, f'{folder}/{name}') for name in ('weights.safetensors', 'config.json')]
        assert ('--start' in info.codes_info[0].cmdline_params) == (folder == 'start')


def test_hash_depends_on_what_is_trained(prepare, inputs):
    def node_hash(**changes):
        return prepare({**inputs, **changes})[0].node.base.caching.compute_hash()

    assert node_hash(molecules=MoleculeSetData(inputs['molecules'].load())) == node_hash()
    assert node_hash(seed=Int(1)) != node_hash()
    assert node_hash(settings=Dict({**SMALL, 'epochs': 3})) != node_hash()


@pytest.mark.parametrize(
    ('changes', 'complaint'),
    [
        ({'kind': 'forest'}, "unknown kind 'forest'"),
        ({'kind': 'diffusion'}, 'give geometries'),
        ({'settings': {'epoks': 3}}, 'unknown settings epoks'),
        ({'pieces': -1}, '-1 pieces'),
        ({'kind': 'jtvae', 'settings': {'members': 2}}, 'unknown settings members'),
    ],
)
def test_unusable_inputs_are_refused(prepare, inputs, changes, complaint):
    types = {'kind': Str, 'settings': Dict, 'pieces': Int}
    with pytest.raises(ValueError, match=complaint):
        prepare({**inputs, **{name: types[name](value) for name, value in changes.items()}})


def test_inputs_that_do_not_fit_together_are_refused(prepare, inputs, geometries, checkpoints, aiida_localhost):
    with pytest.raises(ValueError, match='set spatial_members'):
        prepare({**inputs, 'geometries': geometries})
    with pytest.raises(ValueError, match='leave out geometries'):
        prepare({**inputs, 'kind': Str('jtvae'), 'settings': Dict({}), 'geometries': geometries})
    with pytest.raises(ValueError, match="model of kind 'surrogate': give a jtvae"):
        prepare({**inputs, 'kind': Str('jtvae'), 'settings': Dict({}), 'checkpoint': ModelData(checkpoints[0])})
    expanding = InstalledCode(
        label='dangerous', computer=aiida_localhost, filepath_executable='/usr/bin/aiida-osc', use_double_quotes=True
    ).store()
    with pytest.raises(ValueError, match='use_double_quotes to false'):
        prepare({**inputs, 'code': expanding})
