"""Tests of molecules as AiiDA's structures."""

import numpy as np
import pytest
from aiida.orm import StructureData, load_node

from aiida_osc.calculations.structures import read_structure, structure_from
from aiida_osc.errors import OscError

pytestmark = pytest.mark.usefixtures('aiida_profile')
SYMBOLS = ('O', 'H', 'H')
POSITIONS = np.array([[0.0, 0.0, 0.117790123456789], [0.0, 0.755453, -0.471161], [0.0, -0.755453, -0.471161]])


def test_comes_back_from_the_store():
    node = structure_from(SYMBOLS, POSITIONS).store()

    symbols, positions = read_structure(load_node(node.pk))

    assert symbols == SYMBOLS
    # AiiDA stores 14 significant digits.
    np.testing.assert_allclose(positions, POSITIONS, rtol=1e-13)
    assert node.pbc == (False, False, False)
    assert node.cell == [[0.0, 0.0, 0.0]] * 3
    assert node.get_formula() == 'H2O'
    np.testing.assert_array_equal(node.get_ase().get_positions(), positions)
    assert len(node.get_pymatgen()) == 3


def test_equal_molecules_have_equal_hashes():
    hashes = {structure_from(SYMBOLS, POSITIONS).store().base.caching.get_hash() for _ in range(2)}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ('symbols', 'positions', 'words'),
    [
        ((), np.zeros((0, 3)), '0 symbols'),
        (('H',), np.zeros((2, 3)), 'every atom'),
        (('H',), np.array([[0.0, np.nan, 0.0]]), 'every atom'),
        (('Xx',), np.zeros((1, 3)), "unknown element 'Xx'"),
    ],
)
def test_refuses_what_is_no_molecule(symbols, positions, words):
    with pytest.raises(OscError, match=words):
        structure_from(symbols, positions)


def test_refuses_other_structures():
    periodic = StructureData(cell=np.eye(3) * 4)
    periodic.append_atom(symbols='H', position=(0, 0, 0))
    partly = StructureData(cell=np.zeros((3, 3)), pbc=False)
    partly.append_atom(symbols='H', weights=0.5, position=(0, 0, 0))

    for structure, words in (
        (periodic, 'periodic'),
        (partly, 'partly occupied'),
        (StructureData(cell=np.zeros((3, 3)), pbc=False), 'no atoms'),
    ):
        with pytest.raises(OscError, match=words):
            read_structure(structure)
