import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.levels import XTB_LEVELS
from aiida_osc.targets import COMPUTED, TARGETS, get_target
from aiida_osc.units import CANONICAL_UNIT


@pytest.mark.parametrize('name', TARGETS)
def test_every_target_is_complete(name):
    target = get_target(name)
    assert target.name == name
    assert target.low < target.high
    assert target.help.endswith('.')
    assert target.unit in CANONICAL_UNIT.values()


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('ie_vertical', 9.23),  # benzene, GW100 set, experiment
        ('ea_adiabatic', 3.383),  # TCNQ, doi 10.1063/1.4937761
        ('ea_vertical', -2.07),  # thiophene, B3LYP/6-31G*: an unbound electron is no error
        ('lambda_hole', 0.170),  # phenanthrene, Amashukeli et al., J. Phys. Chem. A 2002, 106, 7593
        ('homo', -10.55),  # QM9 index 1, methane, -0.3877 hartree
        ('lumo', 3.19),  # QM9 index 1, 0.1171 hartree
    ],
)
def test_known_values_are_plausible(name, value):
    assert TARGETS[name].low < value < TARGETS[name].high


def test_the_xtb_engine_writes_only_known_targets():
    assert set(XTB_LEVELS) < set(TARGETS)


def test_unknown_target_lists_the_known_ones():
    with pytest.raises(OscError, match=r"unknown target 'energy': use one of homo, lumo"):
        get_target('energy')


def test_what_a_formula_gives_is_marked():
    assert {'sa_score', 'packing_surrogate', 'miscibility_surrogate', 'molar_mass'} < set(COMPUTED)
    assert not {'homo', 'ie_adiabatic', 'lambda_hole', 'dipole', 'polarizability'} & set(COMPUTED)
