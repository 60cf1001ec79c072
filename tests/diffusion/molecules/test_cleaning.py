"""The force field after the sampler."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.diffusion.molecules.cleaning import clean
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
    assert np.abs(lengths(mol, clean('c1ccccc1', positions, 200)) - 1.395).max() < 0.005


@pytest.mark.parametrize('smiles', ['CB(C)C', '[SiH3][SeH]'])
def test_a_molecule_without_parameters_stays_as_it_is(smiles):
    _, positions = shaken(smiles, 0.05)
    assert np.array_equal(clean(smiles, positions, 200), positions)


def test_a_structure_that_is_none_stays_as_it_is():
    positions = np.full((12, 3), np.nan)
    assert np.isnan(clean('c1ccccc1', positions, 10)).all()


@pytest.mark.parametrize('values', [{'clean': -1}, {'polish': 1.0}, {'polish': -0.1}])
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(OscError):
        SampleSettings.from_dict(values)
