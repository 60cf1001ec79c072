"""Start structures of the loop: from a diffusion model that has passed its gate, else by embedding."""

import pytest
import torch
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import Dict, Int, Log

from aiida_osc.chem.molecules import standardise
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.diffusion.molecules.network import ConformerNetwork
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.training.artifact import SCHEMA, ModelArtifact
from aiida_osc.workflows.discovery import DiscoveryWorkChain
from aiida_osc.workflows.discovery_inputs import (
    passed_gate,
    validate_diffusion,
    validate_generator,
    validate_geometries,
)
from aiida_osc.workflows.protocols import load_protocol
from aiida_osc.workflows.train_surrogate import TrainSurrogateWorkChain

SMILES = ('c1ccsc1', 'C[C@H](N)C(=O)O')
SHAPE = {'hidden': 8, 'pair': 4, 'layers': 1}


def untrained(metrics, elements=('C', 'H', 'N', 'O', 'S')):
    """Return a conformer model of random weights that says of itself what ``metrics`` say."""
    torch.manual_seed(0)
    config = {
        **{name: kind() for name, kind in SCHEMA.items()},
        'format': 1,
        'kind': 'diffusion',
        'architecture': {'signal': 'molecules', **SHAPE},
        'training': {'settings': ConformerSettings(**SHAPE).to_dict()},
        'metrics': metrics,
        'finished': True,
        'extra': {'elements': list(elements)},
    }
    return ModelData(ModelArtifact(config, ConformerNetwork(**SHAPE).state_dict()))


def molecules(*smiles):
    named = [standardise(item) for item in smiles]
    keys = tuple(item.inchikey for item in named)
    return MoleculeSetData(MoleculeTable(tuple(item.smiles for item in named), keys, ('test',) * len(keys)))


@pytest.fixture
def chain(aiida_profile, aiida_code_installed):
    """Return a function that makes a work chain with a selected batch and control, and what it reports."""

    def make(**inputs):
        code = aiida_code_installed(default_calc_job_plugin='osc.fourpoint_batch', filepath_executable='/bin/true')
        values = load_protocol('discovery', 'fast', {})
        names = ('surrogate', 'generator', 'generation', 'selection', 'geometries', 'promotion')
        process = instantiate_process(
            get_manager().get_runner(),
            DiscoveryWorkChain,
            molecules=MoleculeSetData(load_seed()),
            seed=Int(4),
            budget=Dict(values['budget']),
            settings={name: Dict(values[name]) for name in names},
            label={'code': code},
            **inputs,
        )
        process.setup()
        process.ctx.iteration = 1
        process.ctx.batches = {'batch': molecules(*SMILES), 'control': molecules('CCO')}
        process.draw_structures()
        return process

    return make


def messages(process):
    return [entry.message for entry in Log.collection.get_logs_for(process.node)]


def test_model_that_passed_its_gate_draws_the_structures_of_both_batches(chain):
    process = chain(diffusion=untrained({'gate': {'passed': True}}))
    for name, node in process.ctx.batches.items():
        inputs = process._label_inputs(name)
        assert inputs['molecules'] is node
        drawn = inputs['geometries'].load()
        assert [item.inchikey for item in drawn.geometries] == list(node.load().inchikeys)
        assert {item.charge for item in drawn.geometries} == {0}
    step = process.ctx.structures['batch'].creator
    assert step.process_type == 'aiida.calculations:osc.sample_geometries'
    assert step.label == 'iteration 1: draw 2 start structures'
    assert step.inputs.model.uuid == process.inputs.diffusion.uuid
    assert step.inputs.molecules.uuid == process.ctx.batches['batch'].uuid
    assert any('start structures of the batch: ' in text for text in messages(process))


def test_model_that_did_not_pass_is_left_out_and_the_report_says_so(chain):
    process = chain(diffusion=untrained({'gate': {'passed': False}}))
    assert 'geometries' not in process._label_inputs('batch')
    assert not process.node.called
    assert 'has not passed its gate' in messages(process)[-1]


def test_without_a_model_nothing_is_drawn_or_reported(chain):
    process = chain()
    assert 'geometries' not in process._label_inputs('batch')
    assert not process.node.called
    assert messages(process) == []


def test_model_that_fails_does_not_stop_the_loop(chain):
    broken = untrained({'gate': {'passed': True}})
    config = {**broken.artifact().config, 'architecture': {'signal': 'molecules', 'hidden': 8}}
    process = chain(diffusion=ModelData(ModelArtifact(config, broken.artifact().weights)))
    assert 'geometries' not in process._label_inputs('batch')
    assert any('no start structures could be drawn' in text for text in messages(process))


def test_empty_batch_needs_no_structures(chain):
    process = chain(diffusion=untrained({'gate': {'passed': True}}))
    process.ctx.batches = {'batch': molecules()}
    process.draw_structures()
    assert process.ctx.structures == {}


@pytest.mark.parametrize(
    ('metrics', 'passed'),
    [
        ({'gate': {'passed': True}}, True),
        ({'gate': {'passed': False}}, False),
        ({'gate': {'passed': 'yes'}}, False),
        ({'gate': {}}, False),
        ({'gate': None}, False),
        ({}, False),
    ],
)
def test_gate_is_open_only_when_it_says_so(aiida_profile, metrics, passed):
    assert passed_gate(untrained(metrics)) is passed


def test_model_of_another_kind_is_refused(aiida_profile):
    good = untrained({})
    assert validate_diffusion(good, None) is None
    for changes in ({'kind': 'jtvae'}, {'architecture': {'signal': 'grid'}}):
        config = {**good.artifact().config, **changes}
        reason = validate_diffusion(ModelData(ModelArtifact(config, {})), None)
        assert 'give a diffusion model of molecules' in reason
    assert "give one of kind 'jtvae'" in validate_generator(good, None)
    config = {**good.artifact().config, 'kind': 'jtvae', 'architecture': {}}
    assert validate_generator(ModelData(ModelArtifact(config, {})), None) is None
    unfinished = ModelData(ModelArtifact({**config, 'finished': False}, {}))
    assert 'in the middle of its training' in validate_generator(unfinished, None)


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({}, None),
        ({'embed_timeout': 10.0, 'sampling': {'steps': 5}}, None),
        ({'speed': 2}, 'unknown settings speed'),
        ({'sampling': {'steps': 0}}, '0 steps'),
        ({'sampling': {'colour': 'red'}}, 'unknown settings colour'),
    ],
)
def test_settings_of_structures_are_checked(aiida_profile, values, reason):
    found = validate_geometries(Dict(values), None)
    assert found is None if reason is None else reason in found


def test_builder_takes_the_model(aiida_profile, aiida_code_installed):
    code = aiida_code_installed(default_calc_job_plugin='osc.fourpoint_batch', filepath_executable='/bin/true')
    start, model = MoleculeSetData(load_seed()), untrained({})
    overrides = {'geometries': {'sampling': {'steps': 7}}}
    builder = DiscoveryWorkChain.get_builder_from_protocol(code, start, 'fast', overrides, diffusion=model)
    assert builder.diffusion is model
    assert builder.settings.geometries.get_dict() == {'sampling': {'steps': 7}}
    assert 'diffusion' not in DiscoveryWorkChain.get_builder_from_protocol(code, start, 'fast')


@pytest.mark.parametrize('remote', [True, False])
def test_models_are_trained_where_the_campaign_says(chain, aiida_code_installed, monkeypatch, remote):
    code = aiida_code_installed(default_calc_job_plugin='osc.train', filepath_executable='/bin/true')
    options = Dict({'queue_name': 'gpu'})
    process = chain(**({'training': {'code': code, 'options': options}} if remote else {}))
    monkeypatch.setattr(process, '_submit_step', lambda process_class, step, label, **inputs: inputs)
    inputs = process._submit_training('train_surrogate', TrainSurrogateWorkChain, 'surrogate')
    assert ('code' in inputs) is remote
    built = TrainSurrogateWorkChain.get_builder()
    built._update(inputs)
    assert dict(built).get('options', None) == (options if remote else None)
