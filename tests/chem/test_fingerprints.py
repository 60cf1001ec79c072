import numpy as np
import pytest

from aiida_osc.chem.fingerprints import BITS, max_similarity, morgan
from aiida_osc.chem.molecules import MoleculeError

THIOPHENES = ('c1ccsc1', 'c1csc(-c2cccs2)c1', 'c1ccc2ccccc2c1')


def test_fingerprints_do_not_depend_on_how_the_molecule_is_written():
    first, second = morgan(['c1ccsc1', 'C1=CSC=C1'])
    assert first == second
    assert first.GetNumBits() == BITS


def test_similarity_to_itself_is_one_and_to_nothing_zero():
    assert np.array_equal(max_similarity(THIOPHENES, THIOPHENES), np.ones(3))
    assert np.array_equal(max_similarity(THIOPHENES, ()), np.zeros(3))
    assert max_similarity((), THIOPHENES).shape == (0,)


def test_nearest_reference_counts():
    far, near = 'c1ccc2ccccc2c1', 'c1csc(-c2ccc(-c3cccs3)s2)c1'
    alone = max_similarity(['c1csc(-c2cccs2)c1'], [far])[0]
    both = max_similarity(['c1csc(-c2cccs2)c1'], [far, near])[0]
    assert 0 < alone < both < 1


def test_invalid_smiles_is_refused():
    with pytest.raises(MoleculeError, match='invalid'):
        morgan(['c1cc'])
