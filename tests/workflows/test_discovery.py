import pytest
from aiida.engine import run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import Dict, Int, Log

from aiida_osc.active_learning.refresh import RefreshSettings
from aiida_osc.calculations.functions.train_surrogate import train_surrogate
from aiida_osc.chem.molecules import standardise
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.errors import OscError
from aiida_osc.shipped import resolve
from aiida_osc.training.artifact import ModelArtifact
from aiida_osc.workflows.discovery import DiscoveryWorkChain
from aiida_osc.workflows.discovery_inputs import validate_budget, validate_generation, validate_inputs, validate_refresh
from aiida_osc.workflows.protocols import load_protocol
from aiida_osc.workflows.train_surrogate import TrainSurrogateWorkChain


def settings(**changes):
    values = load_protocol('discovery', 'fast', changes)
    return {name: Dict(values[name]) for name in ('selection', 'promotion', 'surrogate')}


def test_builder_takes_every_value_of_the_protocol(aiida_profile, aiida_code_installed):
    code = aiida_code_installed(default_calc_job_plugin='osc.fourpoint_batch', filepath_executable='/bin/true')
    options = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2}}
    builder = DiscoveryWorkChain.get_builder_from_protocol(
        code, MoleculeSetData(load_seed()), 'fast', {'selection': {'size': 3}}, seed=5, options=options
    )
    assert builder.seed.value == 5
    assert builder.budget.get_dict() == {'iterations': 2, 'molecules': 24, 'generator_every': 1}
    assert builder.settings.selection['size'] == 3
    assert builder.label.options['resources']['num_mpiprocs_per_machine'] == 2
    assert builder.label.chunk_size.value == 50


def test_unknown_override_is_refused_before_anything_is_made(aiida_profile):
    with pytest.raises(OscError, match=r"unknown key 'budget\.moles'"):
        DiscoveryWorkChain.get_builder_from_protocol(None, None, 'fast', {'budget': {'moles': 3}})


@pytest.mark.parametrize(
    ('budget', 'reason'),
    [
        ({'iterations': 2, 'molecules': 0, 'generator_every': 1}, 'budget.molecules is 0'),
        ({'iterations': 0, 'molecules': 5, 'generator_every': 1}, 'budget.iterations is 0'),
        ({'iterations': 2, 'molecules': 'many', 'generator_every': 1}, "setting molecules is 'many'"),
        ({'iterations': 2, 'molecules': 5}, 'settings generator_every are missing'),
    ],
)
def test_unusable_budget_is_refused(aiida_profile, budget, reason):
    assert reason in validate_budget(Dict(budget), None)


def test_good_budget_is_accepted(aiida_profile):
    assert validate_budget(Dict({'iterations': 1, 'molecules': 1, 'generator_every': 0}), None) is None


def test_refresh_schedule_is_checked(aiida_profile):
    assert validate_refresh(Dict({'epochs': 5, 'decay': 0.5}), None) is None
    assert 'decay in (0, 1]' in validate_refresh(Dict({'decay': 2.0}), None)
    assert 'unknown settings rate' in validate_refresh(Dict({'rate': 2.0}), None)


def test_sampling_settings_are_checked_before_anything_is_trained(aiida_profile):
    assert validate_generation(Dict({'count': 5, 'forbid': ['[#7]-[#7]']}), None) is None
    assert "'[C' is no SMARTS" in validate_generation(Dict({'require': ['[C']}), None)
    assert 'unknown settings windwos' in validate_generation(Dict({'windwos': {}}), None)


def test_labelled_set_is_accepted(aiida_profile):
    assert validate_inputs({'molecules': MoleculeSetData(load_seed()), 'settings': settings()}, None) is None


def test_set_without_labels_is_refused_with_what_to_do(aiida_profile):
    bare = load_seed(labelled=False)
    reason = validate_inputs({'molecules': MoleculeSetData(bare), 'settings': settings()}, None)
    assert 'fewer than 20 labels for' in reason
    assert 'ea_adiabatic@IPEA1-xTB[shift=4.8455]//GFN2-xTB (0)' in reason
    assert 'aiida-osc compute' in reason


def test_empty_set_is_refused(aiida_profile):
    assert 'fewer than 20 labels' in validate_inputs(
        {'molecules': MoleculeSetData(MoleculeTable()), 'settings': settings()}, None
    )


def test_unknown_objective_is_refused(aiida_profile):
    wrong = settings(selection={'objectives': {'p_type': [{'target': 'colour', 'direction': 'min'}]}})
    reason = validate_inputs({'molecules': MoleculeSetData(load_seed()), 'settings': wrong}, None)
    assert "unknown target 'colour'" in reason


def test_promotion_without_a_scale_is_refused(aiida_profile):
    wrong = settings(promotion={'p_type': {'windows': {'ie_adiabatic': [0, 6]}, 'scale': ''}})
    reason = validate_inputs({'molecules': MoleculeSetData(load_seed()), 'settings': wrong}, None)
    assert 'scale' in reason


def test_a_surrogate_that_starts_from_a_cheaper_level_is_refused(aiida_profile):
    wrong = settings(surrogate={'inputs': ['homo@GFN2-xTB//GFN2-xTB']})
    reason = validate_inputs({'molecules': MoleculeSetData(load_seed()), 'settings': wrong}, None)
    assert 'leave out "inputs"' in reason
    wrong = settings(surrogate={'spatial_members': 1})
    reason = validate_inputs({'molecules': MoleculeSetData(load_seed()), 'settings': wrong}, None)
    assert 'leave out "spatial_members"' in reason


@pytest.fixture
def chain(aiida_profile, aiida_code_installed):
    """Return a work chain that has been set up."""
    code = aiida_code_installed(default_calc_job_plugin='osc.fourpoint_batch', filepath_executable='/bin/true')
    builder = DiscoveryWorkChain.get_builder_from_protocol(code, MoleculeSetData(load_seed()), protocol='fast')
    process = instantiate_process(get_manager().get_runner(), builder)
    process.setup()
    return process


def test_a_given_generator_proposes_the_first_molecules_and_is_trained_later(
    aiida_profile, aiida_code_installed, monkeypatch
):
    code = aiida_code_installed(default_calc_job_plugin='osc.fourpoint_batch', filepath_executable='/bin/true')
    given = ModelData(ModelArtifact.load(resolve('generator')), label='given')
    builder = DiscoveryWorkChain.get_builder_from_protocol(code, MoleculeSetData(load_seed()), 'fast', generator=given)
    process = instantiate_process(get_manager().get_runner(), builder)
    process.setup()
    (message,) = [entry.message for entry in Log.collection.get_logs_for(process.node)]
    assert "the generator 'given' that was given" in message
    submitted = {}
    monkeypatch.setattr(process, '_submit_training', lambda step, kind, name: submitted.setdefault(name, process.node))
    process.train()
    assert list(submitted) == ['surrogate']
    process.ctx.iteration = 1
    process.train()
    assert list(submitted) == ['surrogate', 'generator']
    assert process._training_settings('generator')['epochs'] == RefreshSettings().epochs


def test_campaigns_take_the_best_family():
    assert load_protocol('discovery', 'balanced', {})['surrogate'] == {'family': 'auto'}


def test_the_last_good_surrogate_stays_when_a_training_fails(chain, labelled_table):
    chain.ctx.surrogate = model = train_surrogate(MoleculeSetData(labelled_table), Dict({'family': 'gp'}), Int(0))[
        'model'
    ]
    hopeless = MoleculeSetData(labelled_table.take([0, 1]))
    chain.ctx.surrogate_training = failed = run_get_node(TrainSurrogateWorkChain, molecules=hopeless)[1]
    assert chain.has_budget()
    assert chain.ctx.surrogate is model
    (message,) = [entry.message for entry in Log.collection.get_logs_for(chain.node)]
    assert f'TrainSurrogateWorkChain<{failed.pk}> failed, the surrogate of before stays: ' in message
    assert 'label more molecules' in message


def test_without_any_surrogate_a_failed_training_ends_the_campaign(chain, labelled_table):
    hopeless = MoleculeSetData(labelled_table.take([0, 1]))
    chain.ctx.surrogate_training = failed = run_get_node(TrainSurrogateWorkChain, molecules=hopeless)[1]
    assert not chain.has_budget()
    assert chain.ctx.failure == failed.pk


def test_predictions_say_how_many_molecules_lie_outside_the_domain(chain, labelled_table):
    chain.ctx.surrogate = train_surrogate(MoleculeSetData(labelled_table), Dict({'family': 'gp'}), Int(0))['model']
    chain.ctx.iteration = 1
    strange = standardise('CCCCCCCCCCCC[SiH3]')
    chain.ctx.generated = MoleculeSetData(MoleculeTable((strange.smiles,), (strange.inchikey,), ('test',)))
    assert chain.predict() is None
    assert chain.ctx.mean.count == 1
    (message,) = [entry.message for entry in Log.collection.get_logs_for(chain.node)]
    assert message.endswith('iteration 1: 0 of 1 lie in the domain of the surrogate')
