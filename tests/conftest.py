"""Fixtures of the whole suite."""

import atexit
import os
import shutil
import tempfile

import numpy as np
import pytest

# AiiDA makes its folder when it is imported: never in the home of whoever runs the tests.
if 'AIIDA_PATH' not in os.environ:
    os.environ['AIIDA_PATH'] = tempfile.mkdtemp(prefix='aiida-osc-tests-')
    atexit.register(shutil.rmtree, os.environ['AIIDA_PATH'], ignore_errors=True)

# Threads of small tensors that wait for a core that is busy cost more than they bring.
os.environ.setdefault('OMP_NUM_THREADS', '1')

# Features of test data are not kept, but by the tests of the cache.
os.environ['AIIDA_OSC_CACHE'] = ''

pytest_plugins = ['aiida.tools.pytest_fixtures']

#: Backbones and end groups whose combinations make the molecules of ``labelled_table``.
_BACKBONES = ('c1ccc({})cc1', 'c1cc({})sc1', 'c1cc({})ncc1', 'c1ccc2cc({})ccc2c1', 'c1ccc(-c2ccc({})s2)cc1')
_GROUPS = ('C', 'CC', 'N', 'O', 'OC', 'F', 'Cl', 'C#N', 'C(F)(F)F', 'N(C)C', '[N+](=O)[O-]', 'S')


@pytest.fixture(scope='session')
def labelled_table():
    """Return 60 molecules with two made-up columns, additive in the atoms, one of them with gaps."""
    from rdkit import Chem

    from aiida_osc.chem.molecules import standardise
    from aiida_osc.datasets.columns import Column
    from aiida_osc.datasets.molecule_table import MoleculeTable

    molecules = [standardise(core.format(group)) for core in _BACKBONES for group in _GROUPS]
    weights = {'C': -0.05, 'N': 0.3, 'O': 0.2, 'S': -0.2, 'F': -0.4, 'Cl': -0.3}
    mols = [Chem.MolFromSmiles(item.smiles) for item in molecules]
    homo = np.array([-6 + sum(weights[atom.GetSymbol()] for atom in mol.GetAtoms()) for mol in mols])
    dipole = np.array([1 + 0.5 * sum(atom.GetSymbol() in 'NOFS' for atom in mol.GetAtoms()) for mol in mols])
    dipole[::4] = np.nan
    return MoleculeTable(
        tuple(item.smiles for item in molecules),
        tuple(item.inchikey for item in molecules),
        ('test',) * len(molecules),
        {Column('homo', 'made up'): homo, Column('dipole', 'made up'): dipole},
    )


@pytest.fixture(scope='session')
def labelled_structures(labelled_table):
    """Return embedded structures of the molecules of ``labelled_table``, all but every fifth."""
    from rdkit.Chem import rdDistGeom

    from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
    from aiida_osc.qc.placing import with_hydrogens

    found = []
    for row in np.flatnonzero(np.arange(60) % 5):
        mol = with_hydrogens(labelled_table.smiles[row])
        assert rdDistGeom.EmbedMolecule(mol, randomSeed=7) == 0
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        found.append(Geometry(labelled_table.inchikeys[row], 0, numbers, mol.GetConformer().GetPositions()))
    return GeometryTable(found, 'ETKDGv3')
