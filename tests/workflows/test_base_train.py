"""Tests of the training job and its base work chain: handlers on fake nodes, and a job that is interrupted."""

import sys
from pathlib import Path

import pytest
import torch
from aiida.common.links import LinkType
from aiida.engine import ProcessState, run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import CalcJobNode, Dict, InstalledCode, Int, Str

import aiida_osc
from aiida_osc.calculations.train import TrainCalculation
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.workflows.base.train import TrainBaseWorkChain
from aiida_osc.workflows.train_surrogate import TrainSurrogateWorkChain

CALC, OWN = TrainCalculation.exit_codes, TrainBaseWorkChain.exit_codes
SMALL = {'members': 2, 'hidden': 16, 'depth': 2, 'readout': 16, 'epochs': 4, 'piece_epochs': 1, 'amp': 'off'}

#: What a computer without AiiDA has as ``aiida-osc``; where a marker is, it ends by a signal after two pieces.
COMMAND = """#!{python}
import os, signal, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'aiida':
            raise ImportError('there is no AiiDA here')

sys.meta_path.insert(0, Wall())
sys.path.insert(0, {package!r})
from aiida_osc.training.artifact import ModelArtifact

save, saved = ModelArtifact.save, []

def save_and_die(self, folder):
    save(self, folder)
    saved.append(folder)
    if os.path.exists({marker!r}) and len(saved) == 2:
        os.remove({marker!r})
        os.kill(os.getpid(), signal.SIGKILL)

ModelArtifact.save = save_and_die
from aiida_osc.cli import main
main()
"""


@pytest.fixture
def marker(tmp_path):
    """Return the path of a file whose presence kills the next job."""
    return tmp_path / 'kill the next job'


@pytest.fixture
def code(aiida_localhost, tmp_path, marker):
    """Return the command ``aiida-osc`` of a Python that cannot import AiiDA."""
    script = tmp_path / 'aiida-osc'
    package = str(Path(aiida_osc.__file__).parent.parent)
    script.write_text(COMMAND.format(python=sys.executable, package=package, marker=str(marker)))
    script.chmod(0o755)
    name = f'aiida-osc {tmp_path.name}'
    return InstalledCode(label=name, computer=aiida_localhost, filepath_executable=str(script)).store()


@pytest.fixture
def molecules(aiida_profile, labelled_table):
    return MoleculeSetData(labelled_table)


@pytest.fixture
def inputs(code, molecules):
    return {
        'code': code,
        'kind': Str('surrogate'),
        'molecules': molecules,
        'settings': Dict(SMALL),
        'seed': Int(3),
        'metadata': {'options': {}},
    }


@pytest.fixture(scope='module')
def checkpoint_of(labelled_table):
    """Return a function that trains up to a number of pieces."""

    def train(pieces):
        artifact = None
        for _ in range(pieces):
            artifact = fit_surrogate_piece(
                labelled_table, SurrogateSettings.from_dict(SMALL), seed=3, checkpoint=artifact
            )
        return artifact

    return train


@pytest.fixture
def process(inputs):
    """Return a base work chain after its set-up."""
    chain = instantiate_process(get_manager().get_runner(), TrainBaseWorkChain, train=inputs)
    chain.setup()
    chain.ctx.children = []
    return chain


@pytest.fixture
def failed(process, aiida_localhost):
    """Return a function that adds a failed job to the work chain."""

    def add(exit_code, artifact=None):
        node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:osc.train').store()
        if artifact is not None:
            for label, output in (('model', ModelData(artifact)), ('log', Dict({'epochs': []}))):
                output.base.links.add_incoming(node, LinkType.CREATE, label)
                output.store()
        node.set_exit_status(exit_code.status)
        node.set_exit_message('what the job said')
        node.set_process_state(ProcessState.FINISHED)
        process.ctx.iteration += 1
        process.ctx.children.append(node)
        return node

    return add


@pytest.mark.parametrize('code_name', ['ERROR_INTERRUPTED', 'ERROR_OUT_OF_WALLTIME'])
def test_interrupted_job_goes_on_from_its_checkpoint(process, failed, checkpoint_of, code_name):
    node = failed(CALC[code_name], checkpoint_of(1))
    assert process.inspect_process().status == 0
    assert process.ctx.inputs.checkpoint.pk == node.outputs.model.pk
    assert not process.ctx.is_finished


def test_two_jobs_without_a_checkpoint_are_enough(process, failed, checkpoint_of):
    failed(CALC.ERROR_INTERRUPTED, checkpoint_of(1))
    assert process.inspect_process().status == 0
    failed(CALC.ERROR_INTERRUPTED_EARLY)
    assert process.inspect_process().status == 0
    failed(CALC.ERROR_INTERRUPTED_EARLY)
    assert process.inspect_process().status == OWN.ERROR_NO_PROGRESS.status
    assert not process.outputs['model'].finished, 'the last checkpoint is handed out'


def test_lack_of_memory_doubles_what_is_known(process, failed, checkpoint_of):
    failed(CALC.ERROR_OUT_OF_MEMORY, checkpoint_of(1))
    process.inspect_process()
    assert 'max_memory_kb' not in process.ctx.inputs.metadata.options
    process.ctx.inputs.metadata.options.max_memory_kb = 1000
    failed(CALC.ERROR_OUT_OF_MEMORY, checkpoint_of(1))
    process.inspect_process()
    assert process.ctx.inputs.metadata.options.max_memory_kb == 2000


@pytest.mark.parametrize(
    'code_name', ['ERROR_INPUT_REFUSED', 'ERROR_NO_MODEL', 'ERROR_NO_EXECUTABLE', 'ERROR_TRAINING_FAILED']
)
def test_what_would_fail_again_is_not_repeated(process, failed, code_name):
    failed(CALC[code_name])
    exit_code = process.inspect_process()
    assert exit_code.status == OWN.ERROR_UNRECOVERABLE.status
    assert 'what the job said' in exit_code.message


def test_a_killed_job_leaves_its_checkpoint_and_the_next_goes_on(inputs, marker, checkpoint_of):
    marker.touch()
    results, chain = run_get_node(TrainBaseWorkChain, train=inputs)

    assert chain.is_finished_ok, chain.exit_message
    first, second = chain.called
    assert first.exit_status == CALC.ERROR_OUT_OF_MEMORY.status
    assert 'after epoch 2 of 4' in first.exit_message
    assert first.outputs.model.base.attributes.get('finished') is False
    assert second.inputs.checkpoint.pk == first.outputs.model.pk
    assert second.is_finished_ok
    assert [record['epoch'] for record in results['log']['epochs']] == [0, 1, 2, 3]
    same_weights(results['model'], checkpoint_of(4))


def same_weights(node, artifact):
    found = node.artifact()
    assert found.config['finished']
    assert artifact.config['finished']
    assert found.weights.keys() == artifact.weights.keys()
    assert all(torch.equal(found.weights[name], artifact.weights[name]) for name in found.weights)
    assert found.config['data_hash'] == artifact.config['data_hash']


def test_pieces_as_jobs_give_the_weights_of_calcfunctions(inputs, molecules):
    settings, seed = Dict({**SMALL, 'piece_epochs': 2}), Int(3)
    local = run_get_node(TrainSurrogateWorkChain, molecules=molecules, settings=settings, seed=seed)[0]['model']
    results, chain = run_get_node(
        TrainSurrogateWorkChain,
        molecules=molecules,
        settings=settings,
        seed=seed,
        code=inputs['code'],
        options=Dict({'max_wallclock_seconds': 600}),
    )
    assert chain.is_finished_ok, chain.exit_message
    assert [child.process_label for child in chain.called] == ['TrainBaseWorkChain'] * 2
    jobs = [child.called[0] for child in chain.called]
    assert [job.get_option('max_wallclock_seconds') for job in jobs] == [600, 600]
    assert jobs[1].inputs.checkpoint.pk == jobs[0].outputs.model.pk
    same_weights(results['model'], local.artifact())


def test_an_executable_that_is_not_there(inputs, aiida_localhost):
    inputs['code'] = InstalledCode(
        label='nothing', computer=aiida_localhost, filepath_executable='/does/not/exist'
    ).store()
    _, chain = run_get_node(TrainBaseWorkChain, train=inputs)
    assert chain.exit_status == OWN.ERROR_UNRECOVERABLE.status
    assert chain.called[0].exit_status == CALC.ERROR_NO_EXECUTABLE.status


def test_unknown_options_are_refused_before_anything_runs(inputs, molecules):
    with pytest.raises(ValueError, match="unknown option 'queue'"):
        run_get_node(TrainSurrogateWorkChain, molecules=molecules, options=Dict({'queue': 'gpu'}))
