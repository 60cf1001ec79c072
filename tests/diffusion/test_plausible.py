"""Faults of structures, made on purpose."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from aiida_osc.chem.handedness import reflect
from aiida_osc.diffusion.plausible import KINDS, Blueprint, Fault, distances_from_plane, flat_rings

THIOPHENE_PHENYL = 'c1ccc(-c2cccs2)cc1'


@pytest.fixture
def ring():
    """Return 2-phenylthiophene and its MMFF94 minimum."""
    mol = Chem.AddHs(Chem.MolFromSmiles(THIOPHENE_PHENYL))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    rdForceFieldHelpers.MMFFOptimizeMolecule(mol)
    return mol, mol.GetConformer().GetPositions()


def test_a_minimum_is_plausible_however_it_lies_in_space(ring):
    mol, positions = ring
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert Blueprint(mol).fault(positions) is None
    assert Blueprint(mol).fault(positions @ turn + 10.0) is None


def test_bonds_broken_and_formed(ring):
    mol, positions = ring
    far = positions.copy()
    far[-1] += 3.0
    assert Blueprint(mol).fault(far).kind == 'connectivity'
    near = positions.copy()
    near[0] = near[6] + 1.4 * np.array([0, 0, 1.0])
    assert Blueprint(mol).fault(near).kind == 'connectivity'


def test_bond_length_angle_and_plane(ring):
    mol, positions = ring
    blueprint = Blueprint(mol)
    hydrogen = mol.GetNumAtoms() - 1
    carbon = mol.GetAtomWithIdx(hydrogen).GetNeighbors()[0].GetIdx()
    long = positions.copy()
    long[hydrogen] += 0.28 * (long[hydrogen] - long[carbon])  # 1.39 Angstrom: too long, but below 1.4 radii
    assert blueprint.fault(long).kind == 'bond'
    bent = positions.copy()
    neighbour = next(a.GetIdx() for a in mol.GetAtomWithIdx(carbon).GetNeighbors() if a.GetIdx() != hydrogen)
    arm, to = bent[hydrogen] - bent[carbon], bent[neighbour] - bent[carbon]
    arm = arm / np.linalg.norm(arm) + 1.3 * to / np.linalg.norm(to)
    bent[hydrogen] = bent[carbon] + 1.08 * arm / np.linalg.norm(arm)
    assert blueprint.fault(bent).kind in ('angle', 'connectivity')
    buckled = positions.copy()
    normal = np.cross(buckled[1] - buckled[0], buckled[2] - buckled[0])
    buckled[1] += 0.55 * normal / np.linalg.norm(normal)
    assert 'out of its plane' in blueprint.fault(buckled).text


def test_a_mirror_image_is_no_structure_of_a_chiral_molecule():
    mol = Chem.AddHs(Chem.MolFromSmiles('C[C@H](O)c1ccccc1'))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    positions = mol.GetConformer().GetPositions()
    assert Blueprint(mol).fault(positions) is None
    assert Blueprint(mol).fault(reflect(positions)) == Fault('stereo', 'stereocentre 2 is inverted')


def test_numbers_that_are_none(ring):
    mol, positions = ring
    assert Blueprint(mol).fault(positions * np.nan).kind == 'numbers'
    assert Blueprint(mol).fault(positions[:-1]).kind == 'numbers'
    assert Blueprint(Chem.AddHs(Chem.MolFromSmiles('[He]'))).fault(np.zeros((1, 3))) is None


def test_another_molecule_is_worse_than_a_strained_one():
    assert Fault('connectivity', '').gravity > Fault('stereo', '').gravity > Fault('planarity', '').gravity
    assert len(set(KINDS)) == len(KINDS) == 7


def test_what_distance_geometry_does_not_know_has_wider_limits():
    """RDKit has no parameters for selenium in aromatic rings: 20 % around a single bond of Se and C is no fault."""
    mol = Chem.AddHs(Chem.MolFromSmiles('c1cc[se]c1'))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    positions = mol.GetConformer().GetPositions()
    selenium = 3
    near = [a.GetIdx() for a in mol.GetAtomWithIdx(selenium).GetNeighbors()]
    centre = positions[near].mean(axis=0)
    outward = (positions[selenium] - centre) / np.linalg.norm(positions[selenium] - centre)
    half = np.linalg.norm(positions[near[0]] - centre)
    for length in (1.7, 1.86, 2.1):
        positions[selenium] = centre + outward * np.sqrt(length**2 - half**2)
        fault = Blueprint(mol).fault(positions)
        assert fault is None or fault.kind not in ('bond', 'angle'), (length, fault)


def test_a_hydrogen_bond_is_no_clash():
    """The hydrogen of salicylaldehyde's hydroxyl group may come nearer to the other oxygen than radii allow."""
    mol = Chem.AddHs(Chem.MolFromSmiles('O=Cc1ccccc1O'))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    low, _ = Blueprint(mol)._limits['clash']
    first, second = np.triu_indices(mol.GetNumAtoms(), 1)
    hydroxyl = mol.GetNumAtoms() - 1
    assert low[(first == 0) & (second == hydroxyl)][0] < 1.5


def test_only_aromatic_rings_must_be_flat():
    mol = Chem.MolFromSmiles('C1CCC1c1ccccc1-c1cccs1')
    assert sorted(rings.shape for rings in flat_rings(mol)) == [(1, 5), (1, 6)]


@pytest.mark.parametrize(
    ('smiles', 'count'),
    [
        ('N#CC(C#N)=c1c2ccccc2c(=C(C#N)C#N)c2ccccc12', 2),  # folds in the middle
        ('c1csc2sccsc=2s1', 0),  # 1,4-dithiins fold
        ('c1ccc2ccccc2c1', 2),
    ],
)
def test_rings_that_fold_need_not_be_flat(smiles, count):
    assert sum(map(len, flat_rings(Chem.MolFromSmiles(smiles)))) == count


def test_distances_from_the_mean_plane():
    square = np.array([[[0, 0, 0.1], [1, 0, -0.1], [1, 1, 0.1], [0, 1, -0.1]]])
    np.testing.assert_allclose(distances_from_plane(square + 5.0), 0.1)
