import csv
import io

import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.export import escape_cell, export_table, render
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.opening import open_table
from aiida_osc.datasets.readers import read_table
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import GFN2

HOMO = Column('homo', GFN2)


@pytest.fixture
def table():
    molecules = [standardise(text) for text in ('c1ccccc1', 'C[C@H](N)C(=O)O', 'F[B-]1(F)n2cccc2C=C2C=CC=[N+]12')]
    return MoleculeTable(
        tuple(item.smiles for item in molecules),
        tuple(item.inchikey for item in molecules),
        ('seed', '=HYPERLINK("http://x")', 'a, "b"'),
        {HOMO: np.array([-10.12345678901234, np.nan, -9.0])},
    )


@pytest.fixture
def geometries():
    positions = [[0.1, 0.2, 0.3], [1.06, 0.2, 0.3], [-0.14, 1.13, 0.3]]
    water = [Geometry('XLYOFNOQVPJJNP-UHFFFAOYSA-N', charge, [8, 1, 1], positions) for charge in (0, 1)]
    return GeometryTable(water, 'GFN2-xTB')


@pytest.mark.parametrize('suffix', ['csv', 'sdf', 'h5'])
def test_what_is_exported_reads_back_exactly(table, tmp_path, suffix):
    export_table(table, tmp_path / f'out.{suffix}')
    again = read_table(tmp_path / f'out.{suffix}').table
    assert again.content_hash() == table.content_hash()


def test_formulas_are_made_harmless(table):
    rows = list(csv.reader(io.StringIO(render(table, 'csv').decode())))
    assert rows[0] == ['smiles', 'inchikey', 'source', f'homo@{GFN2}']
    assert rows[2][2] == '\'=HYPERLINK("http://x")'
    assert [row[3] for row in rows[1:]] == ['-10.12345678901234', '', '-9.0']


@pytest.mark.parametrize('text', ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])
def test_escape(text):
    assert escape_cell(text) == f"'{text}"


def test_escape_leaves_smiles_alone():
    assert escape_cell('[O-]C=C') == '[O-]C=C'


def test_geometries_as_xyz(geometries, tmp_path):
    export_table(geometries, tmp_path / 'out.xyz')
    lines = (tmp_path / 'out.xyz').read_text().splitlines()
    assert lines[:2] == ['3', 'inchikey=XLYOFNOQVPJJNP-UHFFFAOYSA-N charge=0 level=GFN2-xTB']
    assert lines[2].split() == ['O', '0.1000000000', '0.2000000000', '0.3000000000']
    assert len(lines) == 10


def test_geometries_as_csv_and_sdf(geometries, tmp_path):
    rows = list(csv.DictReader(io.StringIO(render(geometries, 'csv').decode())))
    assert [(row['structure'], row['charge'], row['element']) for row in rows[2:4]] == [
        ('0', '0', 'H'),
        ('1', '1', 'O'),
    ]
    assert float(rows[1]['x_angstrom']) == 1.06
    export_table(geometries, tmp_path / 'out.sdf')
    mols = list(Chem.SDMolSupplier(str(tmp_path / 'out.sdf'), sanitize=False))
    assert [mol.GetProp('charge') for mol in mols] == ['0', '1']
    np.testing.assert_allclose(mols[1].GetConformer().GetPositions()[2], [-0.14, 1.13, 0.3], atol=1e-4)


def test_h5_holds_either_kind(table, geometries, tmp_path):
    for item in (table, geometries):
        export_table(item, tmp_path / 'out.h5')
        assert open_table(tmp_path / 'out.h5').content_hash() == item.content_hash()


def test_refusals(table, tmp_path):
    with pytest.raises(OscError, match='no coordinates for XYZ'):
        export_table(table, tmp_path / 'out.xyz')
    with pytest.raises(OscError, match=r'use .csv, .sdf, .xyz or .h5'):
        export_table(table, tmp_path / 'out.mol')
    for suffix in ('csv', 'h5'):
        with pytest.raises(OscError, match='cannot be written'):
            export_table(table, tmp_path / 'nowhere' / f'out.{suffix}')
