"""Each known data set says what a user must know of it."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import aiida_osc.datasets.sources
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.sources.fetch import source_file
from aiida_osc.datasets.sources.registry import get_source, names
from aiida_osc.errors import OscError

MACHINERY = {'__init__', 'fetch', 'registry', 'source'}


def test_every_file_is_a_source_and_the_other_way_round():
    folder = Path(aiida_osc.datasets.sources.__file__).parent
    assert {path.stem for path in folder.glob('*.py')} - MACHINERY == set(names())
    assert list(names()) == sorted(names())


@pytest.mark.parametrize('name', names())
def test_a_source_is_complete(name):
    source = get_source(name)
    assert source.name == name
    assert all((source.title, source.citation, source.licence, source.url))
    assert set(source.columns or ()).isdisjoint(source.left_out)
    assert (source.structures is None) or source.geometry_level or name == 'xyz_folder'
    columns = source.written_columns()
    assert len(set(columns)) == len(columns) == len(source.columns or ())
    assert all('unspecified' not in column.level for column in columns)


def test_levels_are_written_as_everywhere():
    levels = {str(column) for name in names() for column in get_source(name).written_columns()}
    assert 'homo@wB97X-D4/def2-TZVP//r2SCAN-3c' in levels
    assert 'homo@B3LYP/6-31G(2df,p)//B3LYP/6-31G(2df,p)' in levels
    assert 'homo@GFN2-xTB//GFN2-xTB' in levels


def test_the_page_of_the_data_sets_names_all():
    page = (Path(aiida_osc.datasets.sources.__file__).parents[3] / 'docs' / 'topics' / 'data.md').read_text()
    assert [name for name in names() if f'| `{name}` |' not in page] == []


def test_a_source_that_does_not_exist():
    with pytest.raises(OscError, match='use one of cep, cepdb, csce'):
        get_source('zinc')
    with pytest.raises(OscError, match="unknown source 'zinc'"):
        read_table('x.csv', source_name='zinc')


def test_names_need_no_chemistry():
    code = (
        'import sys; from aiida_osc.datasets.sources.registry import names; names(); '
        'sys.exit("rdkit" in sys.modules or "numpy" in sys.modules)'
    )
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_sources_with_and_without_files(own_file):
    with pytest.raises(OscError, match='source cep needs its file'), source_file('cep'):
        pass
    with pytest.raises(OscError, match='seed comes with a package'), source_file('seed', own_file('cep')):
        pass
    with source_file('seed', sample=7, seed=1) as (path, settings):
        assert len(read_table(path, **settings).table) == 7
    with source_file('da_dimers', own_file('da_dimers'), sample=1) as (path, settings):
        assert path.name == 'dimers.csv'
        assert settings == {'source_name': 'da_dimers', 'sample': 1, 'seed': 0}


@pytest.mark.skipif(find_spec('qm9pack') is None, reason="needs the package qm9pack: pip install 'aiida-osc[qm9]'")
def test_qm9_sample_is_a_sample():
    with source_file('qm9', sample=3, seed=5) as (path, settings):
        assert settings == {'source_name': 'qm9'}
        assert read_table(path, **settings).report.rows == 3
