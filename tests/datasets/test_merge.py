import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.merge import merge_tables
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

HOMO, LUMO = Column('homo', 'PBE'), Column('lumo', 'PBE')


def table(keys, source, **columns):
    values = {Column(name, 'PBE'): np.array(numbers, dtype=float) for name, numbers in columns.items()}
    return MoleculeTable(tuple(f'S{key}' for key in keys), tuple(keys), (source,) * len(keys), values)


def test_union_fills_gaps_and_keeps_the_first():
    first = table('AB', 'one', homo=[-5, np.nan])
    second = table('BCA', 'two', homo=[-6, -7, -5.5], lumo=[-1, -2, np.nan])
    result = merge_tables({'first': first, 'second': second})
    assert result.table.inchikeys == ('A', 'B', 'C')
    assert result.table.source == ('one', 'one', 'two')
    np.testing.assert_array_equal(result.table.values(HOMO), [-5, -6, -7])
    np.testing.assert_array_equal(result.table.values(LUMO), [np.nan, -1, -2])
    assert result.added == {'first': 2, 'second': 1}
    assert [(item.inchikey, item.kept, item.dropped, item.table) for item in result.conflicts] == [
        ('A', -5.0, -5.5, 'second')
    ]
    assert result.report()['conflicts'][0]['column'] == 'homo@PBE'


def test_with_itself_changes_nothing():
    one = table('ABC', 'x', homo=[-5, -6, np.nan])
    result = merge_tables({'a': one, 'b': one})
    assert result.table.content_hash() == one.content_hash()
    assert not result.conflicts


def test_small_differences_are_no_conflict():
    pair = {'a': table('A', 'x', homo=[-5]), 'b': table('A', 'y', homo=[-5.0005])}
    assert not merge_tables(pair).conflicts
    assert merge_tables(pair, tolerance=1e-5).conflicts


def test_nothing_and_empty():
    with pytest.raises(OscError, match='nothing to merge'):
        merge_tables({})
    assert len(merge_tables({'a': MoleculeTable(), 'b': table('A', 'x')}).table) == 1
