import pytest
from aiida.orm import Dict

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.errors import OscError
from aiida_osc.workflows.discovery import DiscoveryWorkChain, validate_budget, validate_inputs
from aiida_osc.workflows.protocols import load_protocol


def settings(**changes):
    values = load_protocol('discovery', 'fast', changes)
    return {name: Dict(values[name]) for name in ('selection', 'promotion')}


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
