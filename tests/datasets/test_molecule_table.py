import io

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

HOMO = Column('homo', 'GFN2-xTB//GFN2-xTB')
DIPOLE = Column('dipole', 'B3LYP/def2-SVP')


@pytest.fixture
def table():
    return MoleculeTable(
        ('c1ccccc1', 'c1ccsc1'),
        ('UHOVQNZJYSORNB-UHFFFAOYSA-N', 'YTPLMLYBLZKORZ-UHFFFAOYSA-N'),
        ('seed', 'jtvae'),
        {HOMO: np.array([-10.5, np.nan]), DIPOLE: np.array([0.0, 0.5])},
    )


def written(table):
    buffer = io.BytesIO()
    table.write(buffer)
    return buffer.getvalue()


def test_reads_back_what_was_written(table, tmp_path):
    table.write(tmp_path / 'molecules.h5')
    again = MoleculeTable.read(tmp_path / 'molecules.h5')
    assert (again.smiles, again.inchikeys, again.source) == (table.smiles, table.inchikeys, table.source)
    assert list(again.columns) == [DIPOLE, HOMO]
    np.testing.assert_array_equal(again.columns[HOMO], [-10.5, np.nan])
    assert again.content_hash() == table.content_hash()


def test_empty_table_reads_back(tmp_path):
    MoleculeTable().write(tmp_path / 'empty.h5')
    assert len(MoleculeTable.read(tmp_path / 'empty.h5')) == 0


def test_equal_tables_give_equal_bytes_whatever_the_order_of_columns(table):
    shuffled = MoleculeTable(table.smiles, table.inchikeys, table.source, dict(reversed(list(table.columns.items()))))
    assert written(shuffled) == written(table)
    assert shuffled.content_hash() == table.content_hash()


def test_hash_sees_every_field(table):
    others = [
        table.take([1, 0]),
        table.take([0]),
        MoleculeTable(table.smiles, table.inchikeys, ('seed', 'seed'), table.columns),
        table.with_columns({HOMO: np.array([-10.5, -9.0])}),
        table.with_columns({Column('homo', 'GFN1-xTB'): table.columns[HOMO]}),
    ]
    assert len({item.content_hash() for item in (table, *others)}) == len(others) + 1


def test_hash_does_not_tell_kinds_of_nan_apart(table):
    payload = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    assert table.with_columns({HOMO: np.array([-10.5, payload])}).content_hash() == table.content_hash()


def test_take_values_index_and_coverage(table):
    assert table.take([1]).smiles == ('c1ccsc1',)
    assert np.isnan(table.values(Column('lumo', 'PBE'))).all()
    assert table.index()['YTPLMLYBLZKORZ-UHFFFAOYSA-N'] == 1
    assert table.coverage() == {str(DIPOLE): 2, str(HOMO): 1}


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ((('C',), (), ('x',)), 'differ in length'),
        ((('C', 'C'), ('A', 'A'), ('x', 'x')), 'stands twice'),
        ((('C\nC',), ('A',), ('x',)), 'line break'),
        ((('C',), ('A',), ('x',), {HOMO: np.zeros(2)}), 'shape'),
        ((('C',), ('A',), ('x',), {HOMO: np.array([np.inf])}), 'infinite'),
    ],
)
def test_invariants(arguments, reason):
    with pytest.raises(OscError, match=reason):
        MoleculeTable(*arguments)
