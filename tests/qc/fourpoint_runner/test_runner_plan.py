import pytest

from aiida_osc.qc.calculation import Model
from aiida_osc.qc.fourpoint_runner.plan import GFN2, IPEA1, Level, Plan, read_plan
from aiida_osc.qc.fourpoint_runner.settings import InputError
from aiida_osc.qc.pyscf_level import pyscf_level

PBE = pyscf_level(Model('PBE', 'STO-3G', ''))
LEVELS = {'homo': 'PBE/STO-3G//GFN2-xTB'}


def test_xtb_is_the_default():
    plan = read_plan({})
    assert (plan.geometry, plan.energy, plan.ionisation) == (GFN2, GFN2, IPEA1)
    assert plan.names() == {}


def test_density_functional_at_xtb_geometries_and_at_its_own():
    balanced = read_plan({'engine': 'pyscf', 'energy': PBE})
    assert (balanced.geometry, balanced.energy) == (GFN2, Level('PBE/STO-3G', 'pbe', 'STO-3G'))
    assert balanced.ionisation == balanced.energy
    stringent = read_plan({'engine': 'pyscf', 'energy': PBE, 'geometry': PBE})
    assert stringent.geometry == stringent.energy


@pytest.mark.parametrize(
    ('raw', 'message'),
    [
        ({'engine': 'orca'}, "engine 'orca' is unknown: this runner knows tblite and pyscf"),
        ({'energy': PBE}, 'for the engine pyscf'),
        ({'geometry': PBE}, 'for the engine pyscf'),
        ({'engine': 'pyscf'}, '"energy" must be a level'),
        ({'engine': 'pyscf', 'energy': PBE, 'geometry': 'MMFF94'}, '"geometry" must be a level'),
        ({'engine': 'pyscf', 'energy': {**PBE, 'grid': 3}}, '"energy" must be a level'),
        ({'engine': 'pyscf', 'energy': {**PBE, 'basis': ''}}, 'has no basis'),
        ({'engine': 'pyscf', 'energy': {**PBE, 'epsilon': -3}}, 'epsilon'),
        ({'engine': 'pyscf', 'energy': {**PBE, 'cartesian': 1}}, 'cartesian'),
        ({'engine': 'pyscf', 'energy': {**PBE, 'method': 'pbe\nimport os'}}, 'method'),
        ({'levels': ['homo']}, '"levels"'),
        ({'levels': {'homo': 3}}, '"levels"'),
    ],
)
def test_bad_levels_are_named(raw, message):
    with pytest.raises(InputError, match=message):
        read_plan(raw)


def test_records_of_other_levels_are_not_made_by_this_plan():
    plan = read_plan({'engine': 'pyscf', 'energy': PBE, 'levels': LEVELS, 'environment': 'gas'})
    assert plan.made({'key': 'a', **plan.names()})
    assert not plan.made({'key': 'a'}), 'without levels it is of xTB'
    assert not plan.made({'key': 'a', **plan.names(), 'environment': 'cpcm(eps=3)'})
    assert not plan.made({'key': 'a', **plan.names(), 'levels': {'homo': 'HF/STO-3G//GFN2-xTB'}})
    assert Plan().made({'key': 'a'})
    assert Plan(levels={'homo': 'GFN2-xTB//GFN2-xTB'}).made({'key': 'a'})
    assert not Plan(levels={'homo': 'GFN2-xTB//GFN2-xTB'}).made({'key': 'a', **plan.names()})
