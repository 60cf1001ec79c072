import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.errors import OscError
from aiida_osc.qc.placing import place_atoms, set_positions, with_hydrogens


def structure(smiles, *, shuffle=0):
    """Return numbers and positions (Angstrom) of an embedded molecule, atoms in random order."""
    mol = with_hydrogens(smiles)
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=11) == 0
    order = np.random.default_rng(shuffle).permutation(mol.GetNumAtoms())
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])[order], mol.GetConformer().GetPositions()[order]


@pytest.mark.parametrize('smiles', ['C[C@H](N)C(=O)O', 'c1ccc2sccc2c1', 'C/C=C\\C#N', 'O=[N+]([O-])c1ccccc1', '[H][H]'])
def test_shuffled_atoms_are_put_in_order(smiles):
    numbers, positions = structure(smiles)
    placed = place_atoms(smiles, numbers, positions)
    mol = with_hydrogens(placed.smiles)

    assert placed.smiles == Chem.CanonSmiles(smiles)
    assert placed.numbers.tolist() == [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    assert sorted(map(tuple, placed.positions.round(6))) == sorted(map(tuple, positions.round(6)))
    for bond in mol.GetBonds():
        length = np.linalg.norm(placed.positions[bond.GetBeginAtomIdx()] - placed.positions[bond.GetEndAtomIdx()])
        assert 0.6 < length < 1.9


def test_handedness_is_that_of_the_structure_whatever_the_smiles_says():
    numbers, positions = structure('C[C@H](O)F')

    for named in ('CC(O)F', 'C[C@H](O)F', 'C[C@@H](O)F'):
        assert place_atoms(named, numbers, positions).smiles == Chem.CanonSmiles('C[C@H](O)F')
        assert place_atoms(named, numbers, -positions).smiles == Chem.CanonSmiles('C[C@@H](O)F')


def test_structure_of_another_molecule_is_refused():
    numbers, positions = structure('CCO')

    with pytest.raises(OscError, match='not those of the SMILES'):
        place_atoms('COC', numbers, positions)
    with pytest.raises(OscError, match='not those of the SMILES'):
        place_atoms('CC', numbers, positions)
    with pytest.raises(OscError, match='its neutral parent NCC'):
        place_atoms('[NH3+]CC([O-])=O', *structure('[NH3+]CC([O-])=O'))


def test_positions_are_set_on_a_copy():
    mol = with_hydrogens('O')
    positions = np.arange(9.0).reshape(3, 3)
    placed = set_positions(mol, positions)

    assert mol.GetNumConformers() == 0
    assert np.allclose(placed.GetConformer().GetPositions(), positions)
