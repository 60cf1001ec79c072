"""Tests of the checks of positions."""

import numpy as np
import pytest
from ase.build import molecule

from aiida_osc.errors import OscError
from aiida_osc.qc.geometry_checks import check_geometry, count_fragments


def parts(atoms):
    return atoms.get_chemical_symbols(), atoms.get_positions()


@pytest.mark.parametrize('name', ['H2O', 'C4H4S', 'C6H6', 'CH3Cl', 'Si2H6', 'H2', 'P2', 'C60', 'NaCl'])
def test_molecules_pass(name):
    check_geometry(*parts(molecule(name)))


def test_single_atom_passes():
    check_geometry(['He'], np.zeros((1, 3)))


def test_refuses_atoms_on_top_of_each_other():
    symbols, positions = parts(molecule('H2O'))
    positions[2] = positions[1] + [0, 0, 0.3]
    with pytest.raises(OscError, match=r'H2 and H3 lie on top of each other, 0.30 Angstrom'):
        check_geometry(symbols, positions)


def test_refuses_a_hydrogen_bonded_dimer():
    # Water dimer, O-H...O with 1.95 Angstrom.
    symbols = ['O', 'H', 'H'] * 2
    positions = np.array(
        [[-1.551, -0.1145, 0], [-1.934, 0.7625, 0], [-0.5997, 0.0407, 0],
         [1.3506, 0.1115, 0], [1.6804, -0.3737, -0.7586], [1.6804, -0.3737, 0.7586]]
    )  # fmt: skip
    assert count_fragments(symbols, positions) == 2
    with pytest.raises(OscError, match='2 fragments: give one molecule alone'):
        check_geometry(symbols, positions)
