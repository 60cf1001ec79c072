import json

import pytest

from aiida_osc.datasets.formats.split_json import read_split_json
from aiida_osc.errors import OscError

TABLE = {'columns': ['a', 'b'], 'index': [0, 1, 2], 'data': [[1, 'x]'], [None, [1.5, {'y': 2}]], [1234567, 'z\n']]}


@pytest.mark.parametrize('piece', [1, 2, 7, 2**20])
@pytest.mark.parametrize('indent', [None, 2])
def test_rows_do_not_depend_on_where_the_pieces_end(tmp_path, monkeypatch, piece, indent):
    monkeypatch.setattr('aiida_osc.datasets.formats.split_json.PIECE', piece)
    path = tmp_path / 'table.json'
    path.write_text(json.dumps(TABLE, indent=indent))
    table = read_split_json(path)
    assert table.names == ('a', 'b')
    assert list(table.rows) == TABLE['data']


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'cut short'),
        ('[]', "where '{' is expected"),
        ('{"columns": ["a"], "index": []}', "where ',' is expected"),
        ('{"data": [[1]], "columns": ["a"]}', 'do not come before'),
        ('{"columns": [1], "data": []}', 'do not come before'),
        ('{"columns": ["a"], "data": [[1], [1, 2]]}', 'does not have 1 cells'),
        ('{"columns": ["a"], "data": [[1], [1', 'is no table'),
        ('{"columns": ["a"], "data": {"a": 1}}', 'where .* is expected'),
        ('{"columns": ' + '[' * 100000, 'recursion'),
    ],
)
def test_other_forms_are_refused(tmp_path, text, reason):
    path = tmp_path / 'table.json'
    path.write_text(text)
    with pytest.raises(OscError, match=reason):
        list(read_split_json(path).rows)


def test_a_missing_file(tmp_path):
    with pytest.raises(OscError, match='cannot be read'):
        read_split_json(tmp_path / 'none.json')
