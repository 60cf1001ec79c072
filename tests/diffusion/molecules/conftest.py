"""Molecules with embedded structures, which stand for computed ones."""

import numpy as np
import pytest
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.qc.placing import with_hydrogens

#: None belongs to the common test split; the first two are mirror images.
SMILES = ('C[C@H](O)F', 'C[C@@H](O)F', 'CC=O', 'C1CC1', 'c1ccoc1', 'C#CC', 'NC=O', 'CC(C)=O', 'C/C=C/F', 'FC=C')


def embed(smiles):
    """Return an MMFF94 structure in Angstrom."""
    mol = with_hydrogens(smiles)
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=7) == 0
    rdForceFieldHelpers.MMFFOptimizeMolecule(mol)
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()]), mol.GetConformer().GetPositions()


@pytest.fixture(scope='session')
def small_tables():
    """Return ten molecules and their structures."""
    named = [standardise(text) for text in SMILES]
    geometries = [Geometry(item.inchikey, 0, *embed(item.smiles)) for item in named]
    table = MoleculeTable(
        tuple(item.smiles for item in named), tuple(item.inchikey for item in named), ('test',) * len(named)
    )
    return table, GeometryTable(geometries, 'MMFF94')


@pytest.fixture
def small_settings():
    """Return settings of a network that trains in seconds."""
    return ConformerSettings(
        epochs=4, hidden=16, pair=8, layers=2, batch_size=8, ema=0.9, hold_out_test=False, validation=0.2
    )
