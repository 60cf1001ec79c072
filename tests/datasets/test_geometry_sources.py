from importlib.util import find_spec

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from aiida_osc.datasets.geometry_sources import (
    Structure,
    collect_structures,
    folder_structures,
    read_xyz,
)
from aiida_osc.datasets.sources.qm9 import GEOMETRY_LEVEL, qm9_structures
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens

#: QM9 index 1 and 3 (Ramakrishnan 2014), methane and water, in Angstrom.
METHANE = [
    [-0.0126981359, 1.0858041578, 0.0080009958],
    [0.002150416, -0.0060313176, 0.0019761204],
    [1.0117308433, 1.4637511618, 0.0002765748],
    [-0.540815069, 1.4475266138, -0.8766437152],
    [-0.5238136345, 1.4379326443, 0.9063972942],
]
WATER = [
    [-0.0343604951, 0.9775395708, 0.0076015923],
    [0.0647664923, 0.0205721989, 0.0015346341],
    [0.871, 1.301, 0.0007],
]
WATER_NUMBERS = np.array([8, 1, 1])


def test_structures_are_collected_and_the_others_named():
    methane = Structure('a', 'C', np.array([6, 1, 1, 1, 1]), np.array(METHANE))
    wrong = Structure('b', 'N', np.array([6, 1, 1, 1, 1]), np.array(METHANE))
    water = Structure('c', 'O', WATER_NUMBERS, np.array(WATER))
    found = collect_structures([methane, wrong, water, methane], level='B3LYP', source='test')

    assert found.molecules.smiles == ('C', 'O')
    assert found.geometries.level == 'B3LYP'
    assert [item.inchikey for item in found.geometries.geometries] == list(found.molecules.inchikeys)
    assert [name for name, _ in found.rejected] == ['b', 'a']
    assert 'there already' in found.rejected[1][1]


@pytest.mark.skipif(find_spec('qm9pack') is None, reason="needs the package qm9pack: pip install 'aiida-osc[qm9]'")
def test_qm9():
    found = collect_structures(qm9_structures(sample=60, seed=3), level=GEOMETRY_LEVEL, source='qm9')

    assert len(found.molecules) + len(found.rejected) == 60
    assert len(found.molecules) >= 55
    for smiles, item in zip(found.molecules.smiles, found.geometries.geometries, strict=True):
        mol = with_hydrogens(smiles)
        ends = np.array([(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()])
        lengths = np.linalg.norm(item.positions[ends[:, 0]] - item.positions[ends[:, 1]], axis=1)
        assert 0.9 < lengths.min() < lengths.max() < 1.8


def test_folder_of_xyz_and_sd_files(tmp_path):
    rows = '\n'.join(f'{s} {x} {y} {z}' for s, (x, y, z) in zip('OHH', WATER, strict=True))
    (tmp_path / 'water.xyz').write_text(f'3\ncomment\n{rows}\n')
    (tmp_path / 'names.csv').write_text('file,smiles\nwater.xyz,O\n')
    mol = with_hydrogens('C[C@H](O)F')
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    with Chem.SDWriter(str(tmp_path / 'one.sdf')) as writer:
        writer.write(mol)

    found = collect_structures(folder_structures(tmp_path), level='x', source='folder')
    assert found.molecules.smiles == ('C[C@H](O)F', 'O')
    assert not found.rejected
    alone = collect_structures(folder_structures(tmp_path / 'one.sdf'), level='x', source='file')
    assert alone.molecules.smiles == ('C[C@H](O)F',)


def test_unusable_folders_and_files(tmp_path):
    with pytest.raises(OscError, match=r'no \*\.sdf'):
        list(folder_structures(tmp_path))
    (tmp_path / 'names.csv').write_text('name\nx\n')
    with pytest.raises(OscError, match='no columns file and smiles'):
        list(folder_structures(tmp_path))
    for text in ('', '3\n\nO 0 0 0\n', '1\n\nO 0 zero 0\n', '1\n\nQq 0 0 0\n', '1\n\nO 0 0 nan\n'):
        (tmp_path / 'bad.xyz').write_text(text)
        with pytest.raises(OscError, match=r'no XYZ file|cut short'):
            read_xyz(tmp_path / 'bad.xyz')
