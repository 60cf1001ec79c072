import hashlib
import io

import h5py
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


@pytest.fixture
def mixed(table):
    """The same table with origins: codes that say nothing, names that nobody uses."""
    codes = {DIPOLE: np.array([1, 0]), HOMO: np.array([2, 0])}
    return MoleculeTable(table.smiles, table.inchikeys, table.source, table.columns, codes, ('lab', 'seed', 'aaa', 'x'))


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


def test_origins_are_kept_in_one_form(mixed, tmp_path):
    assert mixed.origin_names == ('aaa', 'lab'), 'what is not used goes, the rest is sorted'
    assert [mixed.origin(DIPOLE, row) for row in (0, 1)] == ['seed', 'lab']
    assert [mixed.origin(HOMO, row) for row in (0, 1)] == ['aaa', None]
    assert mixed.origin(Column('lumo', 'PBE'), 0) is None
    assert mixed.origins[DIPOLE].tolist() == [-1, 1]
    mixed.write(tmp_path / 'mixed.h5')
    again = MoleculeTable.read(tmp_path / 'mixed.h5')
    assert again.content_hash() == mixed.content_hash()
    assert (again.origin(DIPOLE, 1), again.origin(HOMO, 0)) == ('lab', 'aaa')
    assert written(again) == written(mixed)


def test_origins_go_with_their_values(table, mixed):
    assert mixed.take([1]).origin(DIPOLE, 0) == 'lab'
    assert mixed.take([0]).origin_names == ('aaa',)
    assert mixed.only([DIPOLE]).origin_names == ('lab',)
    assert list(mixed.only([DIPOLE]).columns) == [DIPOLE]
    replaced = mixed.with_columns({DIPOLE: np.array([1.0, 2.0])})
    assert (replaced.origin(DIPOLE, 1), replaced.origin(HOMO, 0)) == ('jtvae', 'aaa')
    same = MoleculeTable(
        table.smiles, table.inchikeys, table.source, table.columns, {HOMO: np.array([0, -1])}, ('seed',)
    )
    assert same.content_hash() == table.content_hash(), 'naming the source of the row says nothing new'
    assert mixed.content_hash() != table.content_hash()


def test_files_and_hashes_of_tables_without_origins_are_those_of_before(table):
    # printed by the version before origins were known
    assert hashlib.sha256(written(table)).hexdigest().startswith('9d7fea83e334e8e4')
    assert table.content_hash().startswith('1a860290afcda7a3')


@pytest.mark.parametrize(
    ('codes', 'names'),
    [
        ({DIPOLE: np.array([0])}, ('x',)),
        ({DIPOLE: np.array([0, 1])}, ('x',)),
        ({DIPOLE: np.array([0, -2])}, ('x',)),
        ({DIPOLE: np.array([0.0, 0.0])}, ('x',)),
        ({Column('lumo', 'PBE'): np.array([0, 0])}, ('x',)),
        ({DIPOLE: np.array([0, 0])}, ('x\ny',)),
    ],
)
def test_origins_that_do_not_fit_are_refused(table, codes, names):
    with pytest.raises(OscError):
        MoleculeTable(table.smiles, table.inchikeys, table.source, table.columns, codes, names)


def test_damaged_origins_of_a_file_are_refused(mixed, tmp_path):
    mixed.write(tmp_path / 'mixed.h5')
    with h5py.File(tmp_path / 'mixed.h5', 'r+') as handle:
        handle['origins/0000'][1] = 7
    with pytest.raises(OscError, match='not in their list'):
        MoleculeTable.read(tmp_path / 'mixed.h5')
    with h5py.File(tmp_path / 'mixed.h5', 'r+') as handle:
        del handle['columns/0000']
    with pytest.raises(OscError, match='origins have no column'):
        MoleculeTable.read(tmp_path / 'mixed.h5')
