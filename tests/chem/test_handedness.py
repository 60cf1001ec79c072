"""Tetrahedral centres and double bonds of positions, against RDKit's own reading of them."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.chem.handedness import Handedness, reflect

#: One per kind of centre: four neighbours, a hydrogen among them, three and a lone pair, two centres, a ring's pair.
CHIRAL = (
    'C[C@H](F)Cl',
    'C[C@@](F)(Cl)Br',
    'CC[S@](C)=O',
    'C[C@H](O)[C@H](N)F',
    'O[C@H]1CC[C@@H](Cl)C1',
    'N[C@@H](C)C(=O)O',
)


def embedded(smiles: str, seed: int = 1) -> tuple[Chem.Mol, np.ndarray]:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=seed) == 0
    return mol, mol.GetConformer().GetPositions()


def smiles_of(mol: Chem.Mol, positions: np.ndarray) -> str:
    """Return the SMILES with the stereochemistry that RDKit reads from the positions."""
    mol = Chem.Mol(mol)
    mol.GetConformer().SetPositions(np.ascontiguousarray(positions))
    Chem.AssignStereochemistryFrom3D(mol, replaceExistingTags=True)
    return Chem.MolToSmiles(Chem.RemoveHs(mol))


@pytest.mark.parametrize('smiles', CHIRAL)
def test_enantiomers_are_told_apart(smiles):
    mol, positions = embedded(smiles)
    handedness = Handedness.of(mol)
    assert smiles_of(mol, positions) == Chem.CanonSmiles(smiles)
    assert handedness.fault(positions) is None
    assert not handedness.is_mirrored(positions)
    mirrored = reflect(positions)
    assert smiles_of(mol, mirrored) != Chem.CanonSmiles(smiles)
    assert 'inverted' in handedness.fault(mirrored)
    assert handedness.is_mirrored(mirrored)
    np.testing.assert_allclose(handedness.volumes(mirrored), -handedness.volumes(positions))
    assert 0.6 < handedness.volumes(positions).min() < 1.4  # 1 in an ideal tetrahedron


def test_a_diastereomer_is_not_a_mirror_image():
    """(R,S) positions for (R,R) asked: neither they nor their reflection are right."""
    _, positions = embedded('C[C@H](O)[C@@H](N)F')
    asked = Handedness.of(Chem.AddHs(Chem.MolFromSmiles('C[C@H](O)[C@H](N)F')))
    assert asked.fault(positions) is not None
    assert not asked.is_mirrored(positions)


def test_stereochemistry_that_is_left_open_is_no_fault():
    mol, positions = embedded('CC(F)Cl')
    handedness = Handedness.of(mol)
    assert handedness.fault(positions) is handedness.fault(reflect(positions)) is None
    assert not handedness.is_mirrored(positions)


@pytest.mark.parametrize(('asked', 'other'), [('F/C=C/F', 'F/C=C\\F'), ('C/N=C/c1cccs1', 'C/N=C\\c1cccs1')])
def test_sides_of_double_bonds(asked, other):
    (mol, right), (_, wrong) = embedded(asked), embedded(other)
    handedness = Handedness.of(mol)
    assert handedness.fault(right) is None
    assert 'on the other side' in handedness.fault(wrong)
    assert not handedness.is_mirrored(wrong)
    assert handedness.fault(reflect(right)) is None


def test_flat_centre_and_twisted_double_bond():
    mol, positions = embedded('C[C@H](F)Cl')
    handedness = Handedness.of(mol)
    flat = positions.copy()
    centre, *around = handedness.centres[0]
    flat[around] -= flat[centre]
    flat[centre] = 0
    flat[around, 2] *= 1e-3
    assert 'flat' in handedness.fault(flat)
    corners = np.array([[-1, 1, 0], [-0.66, 0, 0], [0.66, 0, 0], [1, 0, 1.0]])
    twisted = Handedness(np.zeros((0, 5), int), np.zeros(0), np.array([[0, 1, 2, 3]]), np.ones(1))
    assert twisted.fault(corners) == 'double bond 2-3 is twisted'


def test_a_bridgehead_outside_of_its_neighbours_has_one_hand_and_its_mirror_image_the_other():
    mol = Chem.AddHs(Chem.MolFromSmiles('CC12C(=O)C1(F)C2'))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    Chem.AssignStereochemistryFrom3D(mol)
    positions = mol.GetConformer().GetPositions()
    volumes = Handedness.of(mol).volumes(positions)
    assert np.abs(volumes).min() > 0.1
    np.testing.assert_allclose(Handedness.of(mol).volumes(reflect(positions)), -volumes)
