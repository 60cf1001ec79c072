"""The force field after the sampler."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.diffusion.molecules.cleaning import clean, refine
from aiida_osc.diffusion.molecules.settings import SampleSettings
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens


def shaken(smiles: str, width: float) -> tuple[Chem.Mol, np.ndarray]:
    mol = with_hydrogens(smiles)
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    noise = np.random.default_rng(0).normal(scale=width, size=(mol.GetNumAtoms(), 3))
    return mol, mol.GetConformer().GetPositions() + noise


def lengths(mol: Chem.Mol, positions: np.ndarray) -> np.ndarray:
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds() if bond.GetIsAromatic()]
    return np.array([np.linalg.norm(positions[a] - positions[b]) for a, b in ends])


def test_bonds_come_out_of_a_shaken_structure():
    mol, positions = shaken('c1ccccc1', 0.1)
    assert np.abs(lengths(mol, positions) - 1.39).max() > 0.1
    # MMFF94's benzene has bonds of 1.395 Angstrom, B3LYP and experiment the same within 0.003.
    assert np.abs(lengths(mol, clean(mol, positions, 200)) - 1.395).max() < 0.005


@pytest.mark.parametrize('smiles', ['CB(C)C', '[SiH3][SeH]'])
def test_a_molecule_without_parameters_stays_as_it_is(smiles):
    mol, positions = shaken(smiles, 0.05)
    assert np.array_equal(clean(mol, positions, 200), positions)


def test_a_structure_that_is_none_stays_as_it_is():
    positions = np.full((12, 3), np.nan)
    assert np.isnan(clean(with_hydrogens('c1ccccc1'), positions, 10)).all()


def test_what_the_network_says_last_is_taken_while_it_is_plausible():
    mol, positions = shaken('c1ccccc1', 0.05)
    cleaned = clean(mol, positions, 200)
    seen = []

    def look(structures, time):
        seen.append(time)
        good, bad = structures
        return [good + 0.01 * np.sin(good), bad + np.eye(1, 12).T * 2]

    settings = SampleSettings(polish=(0.5, 0.1))
    good, bad = refine([mol, mol], [positions, positions], look, settings)
    assert seen == [0.5, 0.1]
    once = cleaned + 0.01 * np.sin(cleaned)
    assert np.allclose(good, once + 0.01 * np.sin(once))
    assert np.array_equal(bad, cleaned)
    # Of larger molecules the force field has the last word.
    large, _ = refine([mol, mol], [positions, positions], look, SampleSettings(polish=(0.1,), polish_atoms=11))
    assert np.array_equal(large, clean(mol, once, 200))
    assert np.array_equal(refine([mol], [positions], look, SampleSettings(clean=0))[0], positions)


@pytest.mark.parametrize('values', [{'clean': -1}, {'polish': [1.0]}, {'polish': [0.1, 0.0]}])
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(OscError):
        SampleSettings.from_dict(values)
