import numpy as np
import pytest
from rdkit.Chem import rdDepictor

from aiida_osc.chem.conjugation import largest_conjugated
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.chem.packing import FLAT, packing, shape

PENTACENE = 'c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1'
CORONENE = 'c1cc2ccc3ccc4ccc5ccc6ccc1c1c2c3c4c5c61'


def drawn(smiles):
    """Return a molecule and flat positions."""
    mol = parse_smiles(smiles)
    rdDepictor.Compute2DCoords(mol)
    return mol, mol.GetConformer().GetPositions()


@pytest.mark.parametrize(('smiles', 'bare'), [('c1ccccc1', 0), (PENTACENE, 8 / 22), (CORONENE, 12 / 24)])
def test_a_flat_aromatic_has_the_share_of_its_carbons_without_hydrogen(smiles, bare):
    for found in (packing(*drawn(smiles)), packing(parse_smiles(smiles))):
        assert found.propensity == pytest.approx(bare)
        assert found.share == 1


def test_chains_lower_the_share_and_saturated_molecules_do_not_stack():
    assert packing(parse_smiles('CCCCCCc1c2ccccc2cc2ccccc12')).share == pytest.approx(14 / 20)
    assert packing(parse_smiles('CCCCCC')).propensity == 0


def test_a_twist_lowers_the_propensity():
    mol, positions = drawn('c1cc2ccccc2cc1-c1ccc2ccccc2c1')
    flat = packing(mol, positions)
    halves = largest_conjugated(mol)
    assert len(halves) == 20
    twisted = positions.copy()
    twisted[10:] = twisted[10:] @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    bent = packing(mol, twisted)
    assert flat.planarity == pytest.approx(0, abs=1e-9)
    assert bent.planarity > 0.5
    assert bent.propensity == pytest.approx(flat.propensity * np.exp(-bent.planarity / FLAT))


def test_the_graph_gives_a_lower_bound_of_a_flat_structure():
    for smiles in ('c1csc(-c2cccs2)c1', 'c1ccc(-c2ccccc2)cc1', PENTACENE):
        assert packing(parse_smiles(smiles)).propensity <= packing(*drawn(smiles)).propensity + 1e-12


def test_shape_does_not_depend_on_the_orientation():
    _, positions = drawn(PENTACENE)
    axis = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    np.testing.assert_allclose(shape(positions @ axis + 3), shape(positions), atol=1e-9)
    assert shape(positions)[1] > 2 > shape(drawn('c1ccccc1')[1])[1] >= 1
