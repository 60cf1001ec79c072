"""Deviations, coverage, torsions and ring systems on cases that can be worked out by hand."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolAlign

from aiida_osc.chem.conjugation import conjugated_systems
from aiida_osc.chem.handedness import reflect
from aiida_osc.diffusion.quality.coverage import coverage
from aiida_osc.diffusion.quality.local import Terms, torsion_angles
from aiida_osc.diffusion.quality.planarity import roughness
from aiida_osc.diffusion.quality.rmsd import HeavyFitter


def conformers(smiles, count):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, count, randomSeed=1)
    return mol, np.array([item.GetPositions() for item in mol.GetConformers()])


@pytest.mark.parametrize('smiles', ['CCCCO', 'Cc1ccccc1CO', 'O=[N+]([O-])c1ccc(CC)cc1', '[H]/N=C/OCC'])
def test_deviations_are_those_of_rdkit(smiles):
    mol, positions = conformers(smiles, 4)
    matrix = HeavyFitter(mol).matrix(positions, positions)
    bare = Chem.RemoveAllHs(mol)
    expected = [[rdMolAlign.GetBestRMS(Chem.Mol(bare), bare, i, j) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(matrix, expected, atol=1e-4)
    np.testing.assert_allclose(np.diag(matrix), 0.0, atol=1e-4)


def test_equivalent_atoms_are_exchanged_and_the_order_says_how():
    mol, positions = conformers('c1ccccc1C', 1)
    turn = list(range(mol.GetNumAtoms()))
    ring = [0, 1, 2, 3, 4]
    for atom, other in zip(ring, ring[::-1], strict=True):  # half a turn around the axis through the methyl group
        turn[atom] = other
    fit = HeavyFitter(mol).fit(positions[0][turn], positions[0])
    assert fit.rmsd < 0.02
    assert fit.order[:7].tolist() == [4, 3, 2, 1, 0, 5, 6]
    assert set(fit.order[7:].tolist()) == {-1}


def test_mirror_images_fit_only_when_allowed():
    mol, positions = conformers('C[C@H](N)C(=O)O', 1)
    mirrored = reflect(positions[0])
    strict, kind = (HeavyFitter(mol, mirror=allowed).fit(mirrored, positions[0]) for allowed in (False, True))
    assert strict.rmsd > 0.2
    assert not strict.reflected
    assert kind.rmsd < 1e-6
    assert kind.reflected


def test_molecules_without_heavy_atoms_and_with_millions_of_exchanges():
    mol, positions = conformers('[H][H]', 1)
    assert HeavyFitter(mol).fit(1.1 * positions[0], positions[0]).rmsd == pytest.approx(
        0.05 * np.linalg.norm(positions[0][0] - positions[0][1])
    )
    mol, positions = conformers('CC(C)(C)c1cc(C(C)(C)C)cc(C(C)(C)C)c1', 2)
    assert HeavyFitter(mol, max_matches=50).fit(positions[0], positions[1]).rmsd < 3.0


def test_coverage_by_hand():
    """Two generated, three references; and a molecule of which nothing was generated."""
    matrix = np.array([[0.1, 0.6, 0.9], [0.2, 0.4, 2.0]])
    figures = coverage([matrix, np.zeros((0, 2))], [0.5, 1.0])
    assert figures['amr_recall'] == pytest.approx((0.1 + 0.4 + 0.9) / 3)
    assert figures['amr_precision'] == pytest.approx((0.1 + 0.2) / 2)
    assert figures['coverage'][0] == pytest.approx({'threshold': 0.5, 'recall': (2 / 3 + 0) / 2, 'precision': 1.0})
    assert figures['coverage'][1] == pytest.approx({'threshold': 1.0, 'recall': (1 + 0) / 2, 'precision': 1.0})
    assert coverage([np.zeros((0, 1))], [0.5])['amr_recall'] is None


@pytest.mark.parametrize('angle', [-170.0, -60.0, 0.5, 60.0, 120.0, 180.0])
def test_torsions_have_the_sign_of_iupac(angle):
    """Clockwise is positive, seen along the middle bond."""
    radians = np.radians(angle)
    a, b, c = np.array([[1.0, 0, 0]]), np.zeros((1, 3)), np.array([[0, 0, -1.5]])
    d = np.array([[np.cos(radians), -np.sin(radians), -2.0]])
    assert torsion_angles(a, b, c, d)[0] == pytest.approx(angle)


def test_types_do_not_depend_on_the_direction():
    terms = Terms.of(Chem.AddHs(Chem.MolFromSmiles('N#CC=O')))
    assert sorted(terms.types['bond']) == ['C#N', 'C-C', 'C-H', 'C=O']
    assert sorted(terms.types['angle']) == ['C-C#N', 'C-C-H', 'C-C=O', 'H-C=O']
    assert terms.types['torsion'] == ['N#C-C=O']
    assert Terms.of(Chem.AddHs(Chem.MolFromSmiles('c1ccccc1'))).types['torsion'] == []


def test_conjugated_systems_are_fused_rings():
    mol = Chem.MolFromSmiles('c1ccc2ccccc2c1-c1cccs1')
    assert [len(atoms) for atoms in conjugated_systems(mol)] == [10, 5]
    assert conjugated_systems(Chem.MolFromSmiles('C1CCCCC1')) == []
    positions = np.zeros((4, 3))
    positions[:, 0], positions[:, 1], positions[:, 2] = [0, 1, 1, 0], [0, 0, 1, 1], [0.1, -0.1, 0.1, -0.1]
    np.testing.assert_allclose(roughness([np.arange(4)], positions), 0.1)
