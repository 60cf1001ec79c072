"""The parser of the training job on what jobs of every end leave."""

import pytest
from aiida.common.links import LinkType
from aiida.orm import CalcJobNode, Dict, FolderData, Str

from aiida_osc.calculations.train import TrainCalculation
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.parsers.train import TrainParser
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings

CODES = TrainCalculation.exit_codes
SMALL = {'members': 1, 'hidden': 8, 'depth': 1, 'readout': 8, 'epochs': 2, 'piece_epochs': 1}
SAID = 'epoch 1: train_loss 0.5\nError: the last line\n'


@pytest.fixture(scope='module')
def models(labelled_table):
    """Return a checkpoint after one of two epochs, and the finished model."""
    settings = SurrogateSettings.from_dict(SMALL)
    first = fit_surrogate_piece(labelled_table, settings, seed=0)
    return {'checkpoint': first, 'finished': fit_surrogate_piece(labelled_table, settings, seed=0, checkpoint=first)}


@pytest.fixture
def parse(aiida_localhost, labelled_table):
    """Return a function that parses a job which left a model, an exit status and what it said."""

    def run(model=None, status=None, *, began=None, kind='surrogate', stderr='', damage=None, **options):
        node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:osc.train')
        given = {'resources': {'num_machines': 1}, 'output_filename': 'train.out', 'scheduler_stderr': '_stderr.txt'}
        for name, value in {**given, **options}.items():
            node.set_option(name, value)
        inputs = {'kind': Str(kind), 'molecules': MoleculeSetData(labelled_table), 'settings': Dict(SMALL)}
        if began is not None:
            inputs['checkpoint'] = ModelData(began)
        for label, value in inputs.items():
            node.base.links.add_incoming(value.store(), LinkType.INPUT_CALC, label)
        node.store()
        files = {'train.out': SAID.encode(), '_stderr.txt': stderr.encode()}
        if status is not None:
            files['job.status'] = f'{status}\n'.encode()
        if model is not None:
            files |= {f'model/{name}': content for name, content in model.to_bytes().items()}
        files |= {} if damage is None else {'model/weights.safetensors': damage}
        retrieved = FolderData()
        for name, content in files.items():
            retrieved.base.repository.put_object_from_bytes(content, name)
        retrieved.base.links.add_incoming(node, LinkType.CREATE, 'retrieved')
        retrieved.store()
        parser = TrainParser(node)
        return parser.parse(), parser.outputs

    return run


def test_finished_model(parse, models):
    code, outputs = parse(models['finished'], 0)
    assert code.status == 0
    assert outputs['model'].finished
    assert outputs['model'].artifact().content_hash() == models['finished'].content_hash()
    assert [record['epoch'] for record in outputs['log']['epochs']] == [0, 1]


def test_finished_model_of_a_job_whose_script_was_ended(parse, models):
    assert parse(models['finished'])[0].status == 0


def test_checkpoint_after_the_pieces_that_were_asked_for(parse, models):
    code, outputs = parse(models['checkpoint'], 0)
    assert code.status == 0
    assert outputs['model'].finished is False


@pytest.mark.parametrize(
    ('status', 'stderr', 'name'),
    [
        (None, '', 'ERROR_INTERRUPTED'),
        (143, '', 'ERROR_INTERRUPTED'),
        (137, '', 'ERROR_OUT_OF_MEMORY'),
        (152, '', 'ERROR_OUT_OF_WALLTIME'),
        (None, 'slurmstepd: error: *** JOB 3 ON n1 CANCELLED AT 2024-01-01T00:00:00 DUE TO TIME LIMIT ***',
         'ERROR_OUT_OF_WALLTIME'),
        (None, 'slurmstepd: error: Detected 1 oom-kill event(s) in StepId=3.batch.', 'ERROR_OUT_OF_MEMORY'),
    ],
)  # fmt: skip
def test_interrupted_after_a_checkpoint(parse, models, status, stderr, name):
    code, outputs = parse(models['checkpoint'], status, stderr=stderr)
    assert code.status == CODES[name].status
    assert 'after epoch 1 of 2' in code.message
    assert outputs['model'].finished is False
    assert code.invalidates_cache


def test_interrupted_before_a_checkpoint(parse, models):
    code, outputs = parse(None, None)
    assert code.status == CODES.ERROR_INTERRUPTED_EARLY.status
    assert outputs == {}
    code, outputs = parse(models['checkpoint'], 137, began=models['checkpoint'])
    assert code.status == CODES.ERROR_INTERRUPTED_EARLY.status, 'that is what the job began with'
    assert outputs == {}


@pytest.mark.parametrize(
    ('status', 'name'),
    [(1, 'ERROR_TRAINING_FAILED'), (2, 'ERROR_INPUT_REFUSED'), (126, 'ERROR_NO_EXECUTABLE'), (0, 'ERROR_NO_MODEL')],
)
def test_no_model(parse, status, name):
    code, outputs = parse(None, status)
    assert code.status == CODES[name].status
    assert 'Error: the last line' in code.message
    assert outputs == {}


def test_a_training_that_fails_late_leaves_its_last_checkpoint(parse, models):
    code, outputs = parse(models['checkpoint'], 1)
    assert code.status == CODES.ERROR_TRAINING_FAILED.status
    assert outputs['model'].finished is False


def test_damaged_and_other_models(parse, models):
    code, outputs = parse(models['finished'], 0, damage=b'no tensors')
    assert code.status == CODES.ERROR_NO_MODEL.status
    assert 'damaged' in code.message
    assert outputs == {}
    assert "kind 'surrogate'" in parse(models['finished'], 0, kind='jtvae')[0].message


def test_finished_model_warms_another(parse, models):
    code, outputs = parse(models['checkpoint'], 0, began=models['finished'])
    assert code.status == 0
    assert outputs['model'].finished is False
