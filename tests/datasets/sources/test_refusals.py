"""A file that is not what its name says is refused with a sentence that says what to do."""

import csv
import json

import pytest

from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.sources.registry import get_source
from aiida_osc.errors import OscError
from aiida_osc.units import HARTREE_TO_EV

READ_FROM_FILES = ('cep', 'cepdb', 'csce', 'da_dimers', 'hopv15', 'nfa', 'ocelot', 'oe62', 'pachqa', 'qmugs')


def table_of(name, path):
    return get_source(name).table(path)


@pytest.mark.parametrize('name', READ_FROM_FILES)
@pytest.mark.parametrize('other', READ_FROM_FILES)
def test_the_file_of_another_set(own_file, name, other):
    if name == other:
        return
    with pytest.raises(OscError, match=r'is not .*: (it|give)') as caught:
        read_table(table_of(other, own_file(other)), source_name=name)
    assert 'import this one without a source' in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('name', READ_FROM_FILES)
def test_an_empty_or_missing_file(own_file, name):
    path = table_of(name, own_file(name))
    path.write_text('')
    with pytest.raises(OscError, match=r'is empty|is no table|cut short'):
        read_table(path, source_name=name)
    path.unlink()
    with pytest.raises(OscError, match='does not exist'):
        read_table(path, source_name=name)


@pytest.mark.parametrize('name', READ_FROM_FILES)
def test_a_file_that_is_no_text(own_file, name):
    path = table_of(name, own_file(name))
    path.write_bytes(path.read_bytes()[:200] + b'\xff\xfe\x00')
    with pytest.raises(OscError, match=r'UTF-8|NUL|is no table|utf-8'):
        read_table(path, source_name=name)


@pytest.mark.parametrize(
    ('name', 'column'),
    [
        ('cep', 'PCE'),
        ('cepdb', 'e_gap_alpha'),
        ('csce', 'gap'),
        ('da_dimers', 'xyz_file_name'),
        ('nfa', 'LUMO_eV'),
        ('ocelot', 'aie'),
        ('pachqa', 'Mu'),
        ('qmugs', 'DFT_HOMO_ENERGY'),
        ('nfa', 'smiles'),
    ],
)
def test_a_missing_column_is_named(own_file, name, column):
    path = table_of(name, own_file(name))
    with path.open(newline='') as handle:
        rows = list(csv.DictReader(handle))
    names = [header for header in rows[0] if header != column]
    with path.open('w', newline='') as handle:
        writer = csv.DictWriter(handle, names, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(OscError, match=f'no column {column!r}'):
        read_table(path, source_name=name)


@pytest.mark.parametrize(
    ('name', 'column', 'factor'),
    [
        ('cepdb', 'e_homo_alpha', 1 / HARTREE_TO_EV),
        ('csce', 'gap', 1 / HARTREE_TO_EV),
        ('nfa', 'HOMO_eV', 1 / HARTREE_TO_EV),
        ('nfa', 'HOMO_eV', -1),
        ('ocelot', 'homo', 1 / HARTREE_TO_EV),
        ('ocelot', 'vie', 1 / HARTREE_TO_EV),
        ('pachqa', 'homo', 1 / HARTREE_TO_EV),
        ('qmugs', 'DFT_HOMO_ENERGY', HARTREE_TO_EV),
        ('qmugs', 'GFN2_HOMO_LUMO_GAP', HARTREE_TO_EV),
    ],
)
def test_another_unit_or_sign_is_noticed_by_the_range(own_file, name, column, factor):
    path = own_file(name)
    with path.open(newline='') as handle:
        rows = list(csv.DictReader(handle))
    with path.open('w', newline='') as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**row, column: float(row[column]) * factor} for row in rows])
    with pytest.raises(OscError, match=f'column .*{column}.* holds values .* that are impossible'):
        read_table(path, source_name=name)


def test_oe62_in_hartree_and_damaged(own_file):
    path = own_file('oe62')
    data = json.loads(path.read_text())
    place = data['columns'].index('energies_occ_pbe')
    for row in data['data']:
        row[place] = [value / HARTREE_TO_EV for value in row[place]]
    path.write_text(json.dumps(data))
    with pytest.raises(OscError, match='impossible for homo'):
        read_table(path, source_name='oe62')
    whole = json.dumps({**data, 'data': [[*row, 1] for row in data['data']]})
    for text, reason in ((whole, 'does not have 17 cells'), (whole[:400], 'is no table'), ('[1, 2]', "where '{'")):
        path.write_text(text)
        with pytest.raises(OscError, match=reason):
            read_table(path, source_name='oe62')
    path.write_text(json.dumps({'columns': ['canonical_smiles'], 'index': [0], 'data': [['C']]}))
    with pytest.raises(OscError, match="no column 'xyz_pbe_relaxed'"):
        read_table(path, source_name='oe62')


def test_hopv15_in_electronvolt_and_damaged(own_file):
    path = own_file('hopv15')
    text = path.read_text()
    path.write_text(text.replace('DFT,-0.187', 'DFT,-5.1'))
    with pytest.raises(OscError, match='they would fit ev'):
        read_table(path, source_name='hopv15')
    for old, new, reason in (
        ('Conformer 2', 'conf two', "begins with 'Conformer'"),
        (',66.3', '', '12 values where there are 13'),
        ('\n2\nConformer 1', '\nmany\nConformer 1', "'many' where a number is expected"),
        ('InChI=1S/C4', 'C4', "line 2: .*begins with 'InChI='"),
    ):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(OscError, match=reason):
            read_table(path, source_name='hopv15')
    path.write_text(''.join(text.splitlines(keepends=True)[:30]))
    with pytest.raises(OscError, match='cut short'):
        read_table(path, source_name='hopv15')


def test_ocelot_without_lumo_values_does_not_guess_the_sign(own_file):
    path = own_file('ocelot')
    path.write_text(path.read_text().replace(',-0.6,', ',,').replace(',-1.2,', ',,').replace(',0.1,-7.9', ',,-7.9'))
    with pytest.raises(OscError, match='the sign of vea is not known'):
        read_table(path, source_name='ocelot')


@pytest.mark.parametrize(
    'settings', [{'columns': {'homo': 'homo:eV'}}, {'smiles_column': 'x'}, {'file_format': 'csv'}, {'level': 'PBE'}]
)
def test_what_a_source_knows_is_not_said_again(own_file, settings):
    with pytest.raises(OscError, match='source pachqa knows its columns'):
        read_table(own_file('pachqa'), source_name='pachqa', **settings)
