import csv

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.sources.fetch import source_file
from aiida_osc.datasets.sources.qm9 import COLUMNS, LEVEL, write_qm9
from aiida_osc.errors import OscError

HEADER = ('XYZ_file', 'Index', 'SMILES', 'XYZ_Ang', *COLUMNS)
#: QM9 index 1, 2, 3 and 8 (Ramakrishnan 2014): HOMO, LUMO, gap (hartree), dipole (Debye), polarizability (bohr^3).
ROWS = {
    'qm9_part1.csv': [
        ('dsgdb9nsd_000001.xyz', 1, 'C', '[[0,0,0]]' * 30000, -0.3877, 0.1171, 0.5048, 0.0, 13.21),
        ('dsgdb9nsd_000002.xyz', 2, 'N', '[]', -0.257, 0.0829, 0.3399, 1.6256, 9.46),
    ],
    'qm9_part2.csv': [
        ('dsgdb9nsd_000003.xyz', 3, 'O', '[]', -0.2928, 0.0687, 0.3615, 1.8511, 6.31),
        ('dsgdb9nsd_000008.xyz', 8, 'CO', '[]', -0.2653, 0.0784, 0.3437, 1.5258, 16.97),
    ],
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package qm9pack of four molecules first on the path and return its data folder."""
    data = tmp_path / 'qm9pack' / 'data'
    data.mkdir(parents=True)
    (tmp_path / 'qm9pack' / '__init__.py').write_text('')
    for name, rows in ROWS.items():
        with (data / name).open('w', newline='') as handle:
            csv.writer(handle).writerows([HEADER, *rows])
    monkeypatch.syspath_prepend(tmp_path)
    return data


@pytest.mark.usefixtures('package')
def test_values_in_electronvolt():
    with source_file('qm9') as (path, settings):
        result = read_table(path, **settings)
    assert result.table.smiles == ('C', 'N', 'O', 'CO')
    assert set(result.table.source) == {'qm9'}
    np.testing.assert_allclose(result.table.values(Column('homo', LEVEL))[0], -10.54985, atol=1e-5)
    np.testing.assert_allclose(result.table.values(Column('gap', LEVEL))[0], 13.73631, atol=1e-5)
    np.testing.assert_allclose(result.table.values(Column('dipole', LEVEL))[2], 1.8511)
    np.testing.assert_allclose(result.table.values(Column('polarizability', LEVEL))[3], 16.97)


@pytest.mark.usefixtures('package')
def test_sample_is_decided_by_the_seed(tmp_path):
    drawn = []
    for seed in (0, 0, 1, 2, 3):
        assert write_qm9(tmp_path / 'out.csv', sample=2, seed=seed) == 2
        drawn.append((tmp_path / 'out.csv').read_text())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert csv.field_size_limit() == 131072


@pytest.mark.usefixtures('package')
def test_a_sample_larger_than_the_set_is_the_set(tmp_path):
    assert write_qm9(tmp_path / 'out.csv', sample=10) == 4
    with pytest.raises(OscError, match='positive'):
        write_qm9(tmp_path / 'out.csv', sample=0)


def test_changed_files_are_named(package, tmp_path):
    (package / 'qm9_part1.csv').write_text('SMILES,HOMO\nC,-0.3\n')
    with pytest.raises(OscError, match=r'qm9_part1.csv of qm9pack has no column Index'):
        write_qm9(tmp_path / 'out.csv')
    for part in package.iterdir():
        part.unlink()
    with pytest.raises(OscError, match='holds no qm9_part'):
        write_qm9(tmp_path / 'out.csv')


def test_missing_package_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(OscError, match=r"pip install 'aiida-osc\[qm9\]'"):
        write_qm9(tmp_path / 'out.csv')
