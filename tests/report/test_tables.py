"""The CSV files: every number with unit, level and origin, and no formula for a spreadsheet."""

import csv
import re

import pytest

from aiida_osc.errors import OscError
from aiida_osc.report.tables import escape, write_tables
from aiida_osc.report.write import write_report

UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')


def read(path):
    with path.open(newline='', encoding='utf-8') as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def tables(record, tmp_path):
    return {path.stem: read(path) for path in write_tables(record, tmp_path)}


@pytest.mark.parametrize('text', ['=1+1', '+1', '-1', '@sum', '\t=1', '\r=1'])
def test_formulas_are_escaped(text):
    assert escape(text) == f"'{text}"


@pytest.mark.parametrize('cell', ['CCO', '[O-]C', -1.5, 3, None, '', '1-2'])
def test_other_cells_stay(cell):
    assert escape(cell) == cell


def test_hostile_texts_in_the_files(tables):
    failed = next(row for row in tables['molecules'] if row['status'] == 'failed')
    assert failed['reason'].startswith("'=cmd|")
    assert [row['what'][0] for row in tables['nodes']] == ['c', "'"]
    for rows in tables.values():
        for value in (cell for row in rows for cell in row.values()):
            assert not value.startswith(('=', '+', '@', '\t', '\r'))
            assert not value.startswith('-') or float(value) < 0


def test_every_number_has_unit_level_and_node(tables, record):
    rows = tables['numbers']
    assert len(rows) == 4 * 5 + 3 * 4  # predictions and SA score of all, labels of the computed
    for row in (*rows, *tables['initial']):
        assert row['unit'] in ('eV', '1')
        assert row['level']
        assert row['environment'] == 'gas'
        assert UUID.match(row['node_uuid'])
        float(row['value'])
    assert {row['sigma'] for row in rows if row['kind'] == 'predicted'} == {'0.2'}
    assert len(tables['initial']) == 3 * 4


def test_history_rows_have_a_node(tables, record):
    rows = tables['history']
    assert {row['node_uuid'] for row in rows} == {record.history_node.uuid, record.costs[0].node.uuid}
    hits = [row['value'] for row in rows if (row['role'], row['quantity'], row['of']) == ('batch', 'hits', 'p_type')]
    assert hits == ['1']
    assert {row['quantity'] for row in rows} >= {'hypervolume', 'best', 'mae', 'coverage_90', 'cpu_seconds'}


def test_the_report_is_a_folder(record, tmp_path):
    paths = write_report(record, tmp_path / 'a' / 'b')
    assert [path.name for path in paths] == [
        'index.html', 'numbers.csv', 'initial.csv', 'molecules.csv', 'history.csv', 'nodes.csv',
    ]  # fmt: skip
    assert all(path.stat().st_size for path in paths)


def test_a_folder_that_cannot_be_written(record, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OscError, match='give another folder'):
        write_report(record, tmp_path / 'file')
