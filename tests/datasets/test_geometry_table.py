import io

import h5py
import numpy as np
import pytest

from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.errors import OscError

WATER = Geometry('XLYOFNOQVPJJNP-UHFFFAOYSA-N', 0, [8, 1, 1], [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
CATION = Geometry('XLYOFNOQVPJJNP-UHFFFAOYSA-N', 1, [8, 1, 1], [[0, 0, 0], [1.0, 0, 0], [-0.3, 0.96, 0]])
HYDROGEN = Geometry('UFHFLCQGNIYNRP-UHFFFAOYSA-N', 0, [1, 1], [[0, 0, 0], [0.74, 0, 0]])


@pytest.fixture
def table():
    return GeometryTable([WATER, CATION, HYDROGEN], 'GFN2-xTB')


def test_reads_back_what_was_written(table, tmp_path):
    table.write(tmp_path / 'geometries.h5')
    again = GeometryTable.read(tmp_path / 'geometries.h5')
    assert again.level == 'GFN2-xTB'
    assert [(item.inchikey, item.charge) for item in again.geometries] == [
        (item.inchikey, item.charge) for item in table.geometries
    ]
    for one, other in zip(again.geometries, table.geometries, strict=True):
        np.testing.assert_array_equal(one.numbers, other.numbers)
        np.testing.assert_array_equal(one.positions, other.positions)
    assert again.content_hash() == table.content_hash()


def test_equal_tables_give_equal_bytes(table):
    buffers = [io.BytesIO(), io.BytesIO()]
    for buffer in buffers:
        table.write(buffer)
    assert buffers[0].getvalue() == buffers[1].getvalue()


def test_empty_table_reads_back(tmp_path):
    GeometryTable([], 'none').write(tmp_path / 'empty.h5')
    assert len(GeometryTable.read(tmp_path / 'empty.h5')) == 0


def test_select_by_key_and_charge(table):
    found = table.select([HYDROGEN.inchikey, WATER.inchikey, 'nothing'], charge=0)
    assert [None if item is None else len(item.numbers) for item in found] == [2, 3, None]
    assert table.select([HYDROGEN.inchikey], charge=1) == [None]


@pytest.mark.parametrize(
    ('numbers', 'positions'),
    [
        ([], np.zeros((0, 3))),
        ([1], np.zeros((2, 3))),
        ([1], [[0, 0, np.nan]]),
        ([0], np.zeros((1, 3))),
        ([119], np.zeros((1, 3))),
    ],
)
def test_impossible_structures_are_refused(numbers, positions):
    with pytest.raises(OscError, match='geometry of K'):
        GeometryTable([Geometry('K', 0, numbers, positions)], 'x')


@pytest.mark.parametrize('offsets', [[0, 3, 6, 9], [1, 3, 6, 8], [0, 6, 3, 8], [0, 3, 8]])
def test_offsets_that_do_not_fit_are_refused(table, tmp_path, offsets):
    path = tmp_path / 'geometries.h5'
    table.write(path)
    with h5py.File(path, 'r+') as handle:
        del handle['offsets']
        handle['offsets'] = offsets
    with pytest.raises(OscError, match='damaged'):
        GeometryTable.read(path)
