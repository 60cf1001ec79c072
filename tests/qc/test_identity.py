"""Tests of the check that a result is of the molecule that was asked for."""

import pytest

from aiida_osc.qc.identity import find_mismatch, formula
from aiida_osc.qc.plausible import is_impossible
from aiida_osc.qc.result import QcResult

WATER = QcResult('ORCA', symbols=('O', 'H', 'H'), charge=0, multiplicity=1)


@pytest.mark.parametrize(
    ('symbols', 'charge', 'multiplicity', 'words'),
    [
        (('O', 'H', 'H'), 0, 1, None),
        (('H', 'O', 'H'), 0, 1, 'the atoms of H2O in another order'),
        (('S', 'H', 'H'), 0, 1, 'H2O instead of H2S'),
        (('O', 'H', 'H'), 1, 1, 'charge +0 instead of +1'),
        (('O', 'H', 'H'), 0, 3, 'multiplicity 1 instead of 3'),
    ],
)
def test_mismatch(symbols, charge, multiplicity, words):
    assert find_mismatch(WATER, symbols, charge, multiplicity) == words


def test_what_is_not_told_is_no_difference():
    assert find_mismatch(QcResult('ORCA'), ('He',), 3, 4) is None


def test_hill_formula():
    assert formula(['O', 'H', 'C', 'H', 'Br', 'C']) == 'C2H2BrO'
    assert formula(['O', 'H', 'H']) == 'H2O'


@pytest.mark.parametrize(
    ('energy', 'symbols', 'expected'),
    [
        (-37.8728, ('C',), False),  # wB97X-D4/def2-TZVP of the atom, ORCA 5.0.4
        (-460.1523, ('Cl',), False),
        (-20900.0, ('Pb',), False),  # a relativistic total energy, rounded
        (-20006124.3, ('C',) * 30 + ('H',) * 28, True),
        (float('nan'), ('H',), True),
        (float('inf'), (), True),
        (-1e9, (), False),
    ],
)
def test_impossible_energies(energy, symbols, expected):
    assert is_impossible(energy, symbols) is expected
