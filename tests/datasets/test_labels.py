"""Tests of dealing molecules into jobs and putting the labels together again."""

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.labels import (
    NOT_TREATED,
    chunk,
    collect_failures,
    join_geometries,
    join_labels,
    labelled,
    without,
)
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

HOMO, LUMO = Column('homo', 'GFN2-xTB//GFN2-xTB'), Column('lumo', 'GFN2-xTB//GFN2-xTB')


def chain(*lengths):
    """Return alkanes of those lengths as a table."""
    return MoleculeTable(tuple('C' * n for n in lengths), tuple(f'KEY{n}' for n in lengths), ('test',) * len(lengths))


def test_chunk_deals_equal_work_and_loses_nothing():
    table = chain(*range(1, 11))

    chunks = chunk(table, 4)

    # 10 9 8 forth, 7 6 5 back, 4 3 2 forth, 1 back.
    assert [[len(smiles) for smiles in part.smiles] for part in chunks] == [[10, 5, 4], [9, 6, 3], [8, 7, 2, 1]]
    assert sorted(key for part in chunks for key in part.inchikeys) == sorted(table.inchikeys)


def test_chunk_keeps_columns_and_repeats_itself():
    table = chain(3, 1, 2).with_columns({HOMO: np.array([-3.0, -1.0, -2.0])})

    parts = chunk(table, 2)

    assert [part.content_hash() for part in parts] == [part.content_hash() for part in chunk(table, 2)]
    assert {key: value for part in parts for key, value in zip(part.inchikeys, part.values(HOMO), strict=True)} == {
        'KEY1': -1.0,
        'KEY2': -2.0,
        'KEY3': -3.0,
    }


def test_chunk_takes_a_smiles_that_cannot_be_read():
    table = MoleculeTable(('C1CC', 'CC'), ('BAD', 'GOOD'), ('test', 'test'))
    assert [part.inchikeys for part in chunk(table, 2)] == [('GOOD', 'BAD')]


@pytest.mark.parametrize('size', [0, -3])
def test_chunk_refuses_no_size(size):
    with pytest.raises(OscError, match='positive number of molecules per job'):
        chunk(chain(1), size)


def test_chunk_of_nothing_is_nothing():
    assert chunk(MoleculeTable(), 5) == []


def test_labelled_wants_every_column():
    table = chain(1, 2).with_columns({HOMO: np.array([-1.0, -2.0]), LUMO: np.array([1.0, np.nan])})

    assert labelled(table, [HOMO]) == {'KEY1', 'KEY2'}
    assert labelled(table, [HOMO, LUMO]) == {'KEY1'}
    assert labelled(chain(1), [HOMO]) == set()


def test_without_leaves_out_what_is_known():
    known = chain(2, 3).with_columns({HOMO: np.array([-2.0, np.nan])})
    assert without(chain(1, 2, 3), [known], [HOMO]).inchikeys == ('KEY1', 'KEY3')


def test_join_keeps_the_order_asked_for_and_the_first_value():
    new = chain(3, 1).with_columns({HOMO: np.array([-3.0, -1.0]), LUMO: np.array([3.0, 1.0])})
    late = chain(1).with_columns({HOMO: np.array([-9.0])})
    known = chain(2, 9).with_columns({HOMO: np.array([-2.0, -9.0]), LUMO: np.array([2.0, 9.0])})

    table = join_labels(chain(1, 2, 3, 4), [known], [new, late], [HOMO])

    assert table.inchikeys == ('KEY1', 'KEY2', 'KEY3')
    assert table.values(HOMO).tolist() == [-1.0, -2.0, -3.0]
    assert np.isnan(table.values(LUMO)).tolist() == [False, True, False], 'of earlier labels only what is asked for'
    assert len(join_labels(chain(1), [], [], [HOMO])) == 0


def test_join_geometries_keeps_one_per_molecule_and_charge():
    atoms = [
        Geometry(key, 0, np.array([1]), np.full((1, 3), place)) for key, place in (('A', 0.0), ('A', 1.0), ('B', 2.0))
    ]
    table = join_geometries([GeometryTable(atoms, 'GFN2-xTB'), GeometryTable([], 'MMFF94')], {'A'})

    assert [(item.inchikey, item.positions[0, 0]) for item in table.geometries] == [('A', 0.0)]
    assert table.level == 'GFN2-xTB'
    assert len(join_geometries([], {'A'})) == 0
    with pytest.raises(OscError, match='cannot share a table'):
        join_geometries([GeometryTable(atoms, 'GFN2-xTB'), GeometryTable(atoms, 'MMFF94')], {'A'})


def test_failures_name_every_molecule_without_labels():
    reason = {'smiles': 'CC', 'status': 'failed', 'stage': 'scf', 'reason': 'the SCF did not converge'}
    left_out = {'KEY1': {'lambda_hole': 'negative'}}
    counts = {'ok': 1, 'failed': 1, 'flagged': 0, 'cpu_seconds': 2.5}
    results = [{**counts, 'failures': {'KEY2': reason}, 'dropped': left_out}, {'ok': 0}]

    found = collect_failures(chain(1, 2, 3, 4), {'KEY1'}, results, {'KEY4': 'the cation failed'})

    assert found['molecules']['KEY2'] == reason
    assert found['molecules']['KEY3']['status'] == NOT_TREATED
    assert 'compute it again' in found['molecules']['KEY3']['reason']
    assert found['molecules']['KEY4'] == {
        'smiles': 'CCCC',
        'status': 'failed',
        'stage': None,
        'reason': 'the cation failed',
    }
    assert set(found['molecules']) == {'KEY2', 'KEY3', 'KEY4'}
    assert found['dropped'] == left_out
    assert 'dropped' not in collect_failures(chain(1), {'KEY1'}, [counts], {})
    totals = found['totals']
    assert (totals['asked'], totals['labelled'], totals['ok'], totals['failed'], totals[NOT_TREATED]) == (4, 1, 1, 1, 1)
    assert totals['cpu_seconds'] == 2.5
