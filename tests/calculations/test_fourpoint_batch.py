"""Tests of the four-point batch job: what it writes, what it refuses, what its hash depends on."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from aiida.common.folders import SandboxFolder
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import Dict, InstalledCode, RemoteData

from aiida_osc.calculations.fourpoint_batch import (
    FourPointBatchCalculation,
    count_cores,
    runner_input,
    validate_molecules,
    validate_parameters,
    validate_resources,
)
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.qc.fourpoint_runner.job import read_input
from aiida_osc.qc.fourpoint_runner.plan import GFN2
from aiida_osc.qc.levels import XTB_LEVELS
from aiida_osc.qc.runner_archive import write_runner

METHANE, WATER = 'VNWKTOKETHGBQD-UHFFFAOYSA-N', 'XLYOFNOQVPJJNP-UHFFFAOYSA-N'


@pytest.fixture
def molecules():
    return MoleculeSetData(MoleculeTable(('C', 'O'), (METHANE, WATER), ('test', 'test')))


@pytest.fixture
def water_geometry():
    positions = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]])
    return GeometrySetData(GeometryTable([Geometry(WATER, 0, np.array([8, 1, 1]), positions)], 'MMFF94'))


@pytest.fixture
def inputs(aiida_code_installed, molecules):
    code = aiida_code_installed(filepath_executable='/usr/bin/python3')
    return {'code': code, 'molecules': molecules, 'metadata': {'options': {}}}


@pytest.fixture
def prepare():
    """Return a function that gives the process, its calc info and the written files."""

    def run(inputs):
        process = instantiate_process(get_manager().get_runner(), FourPointBatchCalculation, **inputs)
        with SandboxFolder() as folder:
            info = process.prepare_for_submission(folder)
            content = {name: Path(folder.abspath, name).read_bytes() for name in folder.get_content_list()}
        return process, info, content

    return run


def test_files(prepare, inputs):
    _, info, content = prepare(inputs)

    assert sorted(content) == ['fourpoint_runner.pyz', 'input.json']
    handle = io.BytesIO()
    write_runner(handle)
    assert content['fourpoint_runner.pyz'] == handle.getvalue()
    assert set(info.retrieve_list) == {
        'results.jsonl', 'progress.json', 'summary.json', 'runner.log', 'runner.out', 'runner.status',
    }  # fmt: skip
    assert not info.remote_copy_list
    (code_info,) = info.codes_info
    assert code_info.cmdline_params == ['fourpoint_runner.pyz']
    assert code_info.stdout_name == 'runner.out'
    assert code_info.join_files
    assert code_info.withmpi is False


def test_input_is_what_the_runner_reads(prepare, inputs, water_geometry, tmp_path):
    inputs |= {
        'geometries': water_geometry,
        'parameters': Dict({'engine': 'tblite', 'seed': 7, 'settings': {'max_steps': 99}}),
    }
    inputs['metadata']['options'] = {
        'max_wallclock_seconds': 1000,
        'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2, 'num_cores_per_mpiproc': 3},
    }
    _, _, content = prepare(inputs)

    (tmp_path / 'input.json').write_bytes(content['input.json'])
    job = read_input(tmp_path / 'input.json')

    assert (job.cores, job.seed, job.settings.max_steps) == (6, 7, 99)
    assert job.settings.max_wall_seconds == 950
    assert [(task.key, task.smiles) for task in job.tasks] == [(METHANE, 'C'), (WATER, 'O')]
    assert job.tasks[0].start is None
    assert job.tasks[1].start['numbers'] == [8, 1, 1]
    assert job.tasks[1].start['positions'][1] == [0.0, 0.76, -0.48]


def test_defaults(prepare, inputs, aiida_localhost):
    process, _, content = prepare(inputs)

    written = json.loads(content['input.json'])
    assert written['format'] == 1
    assert written['engine'] == 'tblite'
    assert written['cores'] == aiida_localhost.get_default_mpiprocs_per_machine()
    assert written['settings'] == {}
    assert process.node.get_option('parser_name') == 'osc.fourpoint_batch'
    assert process.node.get_option('withmpi') is False


def test_parent_folder_gives_its_results(prepare, inputs, aiida_localhost):
    inputs['parent_folder'] = RemoteData(remote_path='/scratch/ab/cd', computer=aiida_localhost).store()
    _, info, _ = prepare(inputs)
    assert info.remote_copy_list == [(aiida_localhost.uuid, '/scratch/ab/cd/results.jsonl', 'results.jsonl')]


def test_hash_depends_on_the_content_alone(prepare, inputs):
    def node_hash(**changes):
        # As the engine does it: store_all would also compare with the database.
        return prepare({**inputs, **changes})[0].node.base.caching.compute_hash()

    first = node_hash()
    other = MoleculeSetData(MoleculeTable(('C',), (METHANE,), ('test',)))
    same = MoleculeSetData(inputs['molecules'].load())
    walltime = {'options': {'max_wallclock_seconds': 99}, 'label': 'a story', 'call_link_label': 'iteration_02'}

    assert node_hash(molecules=same, parameters=Dict({})) == first
    assert node_hash(metadata=walltime) == first
    assert node_hash(molecules=other) != first
    assert node_hash(parameters=Dict({'seed': 1})) != first


@pytest.mark.parametrize(
    ('values', 'complaint'),
    [
        ({}, None),
        ({'engine': 'tblite', 'seed': 3, 'settings': {'molecule_timeout': 60}}, None),
        ({'engin': 'tblite'}, "unknown key 'engin'"),
        ({'engine': 'orca'}, "unknown engine 'orca': use tblite, pyscf"),
        ({'seed': -1}, 'seed -1'),
        ({'seed': True}, 'seed True'),
        ({'settings': []}, 'give a mapping'),
        ({'settings': {'max_step': 3}}, 'unknown settings max_step'),
        ({'settings': {'max_steps': 0}}, 'max_steps'),
    ],
)
def test_validate_parameters(values, complaint):
    found = validate_parameters(Dict(values), None)
    assert found is None if complaint is None else complaint in found


def test_validate_molecules(molecules):
    assert validate_molecules(molecules, None) is None
    assert 'no molecules' in validate_molecules(MoleculeSetData(), None)


def test_validate_resources(prepare, inputs):
    assert validate_resources({'num_machines': 1}, None) is None
    inputs['metadata']['options'] = {'resources': {'num_machines': 2, 'num_mpiprocs_per_machine': 1}}
    with pytest.raises(ValueError, match='one machine'):
        prepare(inputs)


def test_refuses_codes_that_bash_expands(prepare, inputs, aiida_localhost):
    inputs['code'] = InstalledCode(
        label='dangerous', computer=aiida_localhost, filepath_executable='/usr/bin/python3', use_double_quotes=True
    ).store()
    with pytest.raises(ValueError, match='use_double_quotes to false'):
        prepare(inputs)


def test_refuses_a_parent_elsewhere(prepare, inputs, aiida_computer_local):
    elsewhere = aiida_computer_local(label='elsewhere')
    inputs['parent_folder'] = RemoteData(remote_path='/scratch', computer=elsewhere).store()
    with pytest.raises(ValueError, match='another computer'):
        prepare(inputs)


@pytest.mark.parametrize(
    ('resources', 'cores'),
    [
        ({'num_machines': 1}, 4),
        ({'num_machines': 1, 'num_mpiprocs_per_machine': 2}, 2),
        ({'num_machines': 1, 'num_mpiprocs_per_machine': 2, 'num_cores_per_mpiproc': 8}, 16),
        ({'num_machines': 1, 'num_cores_per_mpiproc': 3}, 12),
        ({'num_machines': 1, 'tot_num_mpiprocs': 5}, 5),
        ({'num_machines': 1, 'num_cores_per_machine': 24}, 24),
    ],
)
def test_count_cores(resources, cores):
    assert count_cores(resources, default=4) == cores


def test_runner_input_without_geometries(molecules):
    content = runner_input(molecules.load(), None, cores=1)
    assert content['molecules'] == [
        {'key': METHANE, 'smiles': 'C', 'start': None},
        {'key': WATER, 'smiles': 'O', 'start': None},
    ]


B3LYP = {'method': 'B3LYP', 'basis': 'def2-SVP', 'dispersion': 'D3BJ'}
BALANCED = {'engine': 'pyscf', 'energy': B3LYP, 'geometry': 'GFN2-xTB'}


@pytest.mark.parametrize(
    ('values', 'complaint'),
    [
        (BALANCED, None),
        ({**BALANCED, 'geometry': B3LYP, 'settings': {'threads': 2, 'optimiser': 'geometric'}}, None),
        ({'engine': 'tblite', 'energy': B3LYP}, 'leave out energy'),
        ({'engine': 'pyscf'}, 'needs a level of theory'),
        ({**BALANCED, 'energy': {**B3LYP, 'method': 'B4LYP'}}, "unknown method 'B4LYP'"),
        ({**BALANCED, 'energy': {**B3LYP, 'basis': 'big'}}, "unknown basis 'big'"),
        ({**BALANCED, 'energy': {**B3LYP, 'method': 'M06-2X'}}, 'no parameters for M06-2X'),
        ({**BALANCED, 'energy': {'method': 'wB97X-D', 'dispersion': ''}}, 'pyscf has no wB97X-D'),
        ({**BALANCED, 'geometry': 'MMFF94'}, "geometry 'MMFF94'"),
        ({**BALANCED, 'settings': {'optimiser': 'bfgs'}}, 'optimiser'),
    ],
)
def test_validate_levels(values, complaint):
    found = validate_parameters(Dict(values), None)
    assert found is None if complaint is None else complaint in found


def test_input_of_a_density_functional(prepare, inputs, tmp_path):
    inputs['parameters'] = Dict({**BALANCED, 'energy': {**B3LYP, 'epsilon': 3.5}})
    inputs['metadata']['options'] = {'max_memory_kb': 8 * 1024 * 1024}
    _, _, content = prepare(inputs)
    (tmp_path / 'input.json').write_bytes(content['input.json'])
    job = read_input(tmp_path / 'input.json')

    assert job.plan.geometry == GFN2
    assert (job.plan.energy.method, job.plan.energy.dispersion) == ('b3lypg', 'd3bj:b3lyp')
    assert set(job.plan.levels.values()) == {'B3LYP-D3BJ/def2-SVP//GFN2-xTB'}
    assert (job.plan.environment, job.plan.geometry_level) == ('cpcm(eps=3.5)', 'GFN2-xTB')
    assert job.settings.memory_mb == 6553, 'four fifths of the memory of the job'


def test_xtb_records_are_told_their_levels(prepare, inputs, tmp_path):
    _, _, content = prepare(inputs)
    (tmp_path / 'input.json').write_bytes(content['input.json'])
    assert read_input(tmp_path / 'input.json').plan.levels == XTB_LEVELS


def test_element_without_basis_is_refused(prepare, inputs):
    inputs['molecules'] = MoleculeSetData(MoleculeTable(('CI',), ('A',), ('test',)))
    inputs['parameters'] = Dict({**BALANCED, 'energy': {**B3LYP, 'basis': '6-31G*'}})
    with pytest.raises(ValueError, match='no functions for the element of number 53'):
        prepare(inputs)
