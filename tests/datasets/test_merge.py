import csv
import io

import numpy as np
import pytest

from aiida_osc.datasets import molecule_file
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.merge import MergeSettings, merge_files, merge_tables
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

HOMO, LUMO = Column('homo', 'PBE'), Column('lumo', 'PBE')


def table(keys, source, **columns):
    values = {Column(name, 'PBE'): np.array(numbers, dtype=float) for name, numbers in columns.items()}
    return MoleculeTable(tuple(f'S{key}' for key in keys), tuple(keys), (source,) * len(keys), values)


def random_table(seed, count=300, pool=400):
    """Return molecules of a pool with two gappy columns, the second in other hands than its rows."""
    random = np.random.default_rng(seed)
    picked = random.permutation(pool)[:count]
    values = random.choice([np.nan, -1.0, -1.0005, -2.0], (2, count))
    sources = tuple(f'source {number}' for number in random.integers(0, 5, count))
    return MoleculeTable(
        tuple('C' * (1 + number % 7) for number in picked),
        tuple(f'KEY{number:05d}' for number in picked),
        sources,
        {HOMO: values[0], Column('dipole', f'level {seed % 2}'): values[1]},
        {Column('dipole', f'level {seed % 2}'): random.integers(-1, 3, count)},
        ('lab A', 'source 2', f'lab {seed}'),
    )


def merge_in_plain_python(tables, tolerance=1e-3):
    """Return the values with their origins and the conflicts, by the rule said in other words."""
    values, conflicts = {}, set()
    for name, item in tables.items():
        for row, key in enumerate(item.inchikeys):
            for column in item.columns:
                origin = item.origin(column, row)
                if origin is None:
                    continue
                value = float(item.columns[column][row])
                kept = values.setdefault((key, column), (value, origin))
                if abs(kept[0] - value) > tolerance:
                    conflicts.add((key, str(column), *kept, value, origin, name))
    return values, conflicts


def test_union_fills_gaps_and_keeps_the_first():
    first = table('AB', 'one', homo=[-5, np.nan])
    second = table('BCA', 'two', homo=[-6, -7, -5.5], lumo=[-1, -2, np.nan])
    result = merge_tables({'first': first, 'second': second})
    assert result.table.inchikeys == ('A', 'B', 'C')
    assert result.table.source == ('one', 'one', 'two')
    np.testing.assert_array_equal(result.table.values(HOMO), [-5, -6, -7])
    np.testing.assert_array_equal(result.table.values(LUMO), [np.nan, -1, -2])
    assert result.report.added == {'first': 2, 'second': 1}
    assert result.report.differing == {'second': {'homo@PBE': 1}}
    assert [(item.inchikey, item.kept, item.dropped, item.table) for item in result.report.conflicts] == [
        ('A', -5.0, -5.5, 'second')
    ]
    assert result.report.to_dict()['conflicts'][0]['column'] == 'homo@PBE'


def test_every_value_says_where_it_is_from():
    first = table('AB', 'one', homo=[-5, np.nan])
    second = table('BCA', 'two', homo=[-6, -7, -5.5], lumo=[-1, -2, np.nan])
    union = merge_tables({'first': first, 'second': second}).table
    assert [union.origin(HOMO, row) for row in range(3)] == ['one', 'two', 'two']
    assert [union.origin(LUMO, row) for row in range(3)] == [None, 'two', 'two']
    assert union.origin_names == ('two',)
    again = merge_tables({'third': table('D', 'three', homo=[-9]), 'union': union}).table
    assert [again.origin(HOMO, row) for row in range(4)] == ['three', 'one', 'two', 'two']


def test_equals_the_rule_in_plain_python():
    tables = {f'set {seed}': random_table(seed) for seed in range(4)}
    conflicts = io.StringIO(newline='')
    result = merge_tables(tables, conflicts=conflicts)
    values, differing = merge_in_plain_python(tables)
    found = {
        (key, column): (float(numbers[row]), result.table.origin(column, row))
        for column, numbers in result.table.columns.items()
        for row, key in enumerate(result.table.inchikeys)
        if np.isfinite(numbers[row])
    }
    assert found == values
    rows = list(csv.reader(io.StringIO(conflicts.getvalue())))
    assert rows[0] == ['inchikey', 'column', 'kept', 'dropped', 'kept_origin', 'dropped_origin', 'table']
    written = {(key, column, float(a), x.lstrip("'"), float(b), y, name) for key, column, a, b, x, y, name in rows[1:]}
    assert written == differing
    assert len(rows) - 1 == sum(count for item in result.report.differing.values() for count in item.values())


@pytest.mark.parametrize('rows', [7, 65536])
def test_files_give_what_memory_gives(tmp_path, monkeypatch, rows):
    tables = {f'set {seed}': random_table(seed) for seed in range(3)}
    in_memory = merge_tables(tables)
    for name, item in tables.items():
        item.write(tmp_path / f'{name}.h5')
    in_memory.table.write(tmp_path / 'expected.h5')
    monkeypatch.setattr(molecule_file, 'SLICE', rows)
    sources = {name: tables[name] if name == 'set 1' else tmp_path / f'{name}.h5' for name in tables}
    conflicts = io.StringIO(newline='')
    report = merge_files(sources, tmp_path / 'union.h5', conflicts=conflicts)
    union = MoleculeTable.read(tmp_path / 'union.h5')
    assert union.content_hash() == in_memory.table.content_hash()
    assert report == in_memory.report
    monkeypatch.undo()
    union.write(tmp_path / 'again.h5')
    assert (tmp_path / 'again.h5').read_bytes() == (tmp_path / 'expected.h5').read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == '.partial') == []


def test_the_output_may_be_an_input(tmp_path):
    table('AB', 'one', homo=[-5, np.nan]).write(tmp_path / 'master.h5')
    merge_files({'a': tmp_path / 'master.h5', 'b': table('BC', 'two', homo=[-6, -7])}, tmp_path / 'master.h5')
    assert MoleculeTable.read(tmp_path / 'master.h5').inchikeys == ('A', 'B', 'C')


def test_with_itself_changes_nothing():
    one = table('ABC', 'x', homo=[-5, -6, np.nan])
    result = merge_tables({'a': one, 'b': one})
    assert result.table.content_hash() == one.content_hash()
    assert not result.report.conflicts


def test_small_differences_are_no_conflict():
    pair = {'a': table('A', 'x', homo=[-5], lumo=[-1]), 'b': table('A', 'y', homo=[-5.0005], lumo=[-1.0005])}
    assert not merge_tables(pair).report.conflicts
    assert len(merge_tables(pair, MergeSettings(1e-5)).report.conflicts) == 2
    strict = merge_tables(pair, MergeSettings(tolerances={'lumo': 1e-5})).report
    assert strict.differing == {'b': {'lumo@PBE': 1}}


@pytest.mark.parametrize('values', [{'tolerance': -1}, {'tolerances': {'homo': 'x'}}, {'tolerances': {'colour': 1}}])
def test_unusable_tolerances_are_refused(values):
    with pytest.raises(OscError):
        MergeSettings.from_dict(values)


def test_nothing_and_empty():
    with pytest.raises(OscError, match='nothing to merge'):
        merge_tables({})
    assert len(merge_tables({'a': MoleculeTable(), 'b': table('A', 'x')}).table) == 1


def test_what_cannot_be_merged_is_refused(tmp_path):
    with pytest.raises(OscError, match='is no InChIKey'):
        merge_tables({'a': table(['A' * 28], 'x')})
    with pytest.raises(OscError, match='not a readable HDF5 file'):
        merge_files({'a': tmp_path / 'nothing.h5'}, tmp_path / 'out.h5')
    table('A', 'x').write(tmp_path / 'one.h5')
    with pytest.raises(OscError, match='could not be written'):
        merge_files({'a': tmp_path / 'one.h5'}, tmp_path / 'no folder' / 'out.h5')


def test_damaged_files_leave_the_output_alone(tmp_path):
    table('AB', 'one', homo=[-5, -6]).write(tmp_path / 'bad.h5')
    table('C', 'two').write(tmp_path / 'out.h5')
    before = (tmp_path / 'out.h5').read_bytes()
    with molecule_file.h5py.File(tmp_path / 'bad.h5', 'r+') as handle:
        handle['inchikey'][1] = 'A'
    with pytest.raises(OscError, match='stands twice in a'):
        merge_files({'a': tmp_path / 'bad.h5'}, tmp_path / 'out.h5')
    with molecule_file.h5py.File(tmp_path / 'bad.h5', 'r+') as handle:
        handle['inchikey'][1] = 'B'
        handle['columns/0000'][0] = np.inf
    with pytest.raises(OscError, match='infinite'):
        merge_files({'a': tmp_path / 'bad.h5'}, tmp_path / 'out.h5')
    assert (tmp_path / 'out.h5').read_bytes() == before
