import pytest

from aiida_osc.errors import OscError
from aiida_osc.units import CANONICAL_UNIT, UNITS, conversion_factor


def test_hartree_is_the_codata_value():
    # CODATA 2022: 27.211 386 245 981(30) eV
    assert conversion_factor('hartree', 'energy') == pytest.approx(27.211386245981, rel=1e-13)


@pytest.mark.parametrize(
    ('unit', 'quantity', 'expected'),
    [
        ('eV', 'energy', 1.0),
        (' Ha ', 'energy', 27.211386245981),
        ('meV', 'energy', 1e-3),
        # 1 eV = 23.0605 kcal/mol = 96.4853 kJ/mol (Faraday constant, CODATA 2022)
        ('kcal/mol', 'energy', 1 / 23.060548),
        ('kJ/mol', 'energy', 1 / 96.485332),
        ('Debye', 'dipole', 1.0),
        # 1 e bohr = 8.4783536e-30 C m = 2.541746 D
        ('e*bohr', 'dipole', 2.541746),
        ('bohr^3', 'polarizability', 1.0),
        ('a.u.', 'polarizability', 1.0),
        # 1 A^3 = 6.7483 bohr^3
        ('Angstrom^3', 'polarizability', 6.748334),
        ('1', 'number', 1.0),
    ],
)
def test_factor(unit, quantity, expected):
    assert conversion_factor(unit, quantity) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(('unit', 'quantity'), [('debye', 'energy'), ('furlong', 'energy'), ('', 'dipole')])
def test_wrong_unit_names_the_right_ones(unit, quantity):
    with pytest.raises(OscError, match=f'does not measure {quantity}: use one of'):
        conversion_factor(unit, quantity)


def test_every_quantity_has_its_canonical_unit_in_the_table():
    for quantity, unit in CANONICAL_UNIT.items():
        assert conversion_factor(unit, quantity) == 1.0
    assert {quantity for quantity, _ in UNITS.values()} == set(CANONICAL_UNIT)
