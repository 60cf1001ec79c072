"""Features of data sets kept in files."""

import logging
import os

import h5py
import numpy as np
import pytest

from aiida_osc.datasets import feature_cache
from aiida_osc.datasets.feature_cache import VARIABLE, cache_folder, cached
from aiida_osc.surrogate import molecules
from aiida_osc.surrogate.molecules import Molecules

SMILES = ['CC#N', 'c1ccsc1', 'C']


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the cache folder, in which sets of any size are kept."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / 'cache'))
    monkeypatch.setattr(feature_cache, 'LEAST', 1)
    return tmp_path / 'cache'


def features(smiles):
    """Return graphs and Morgan features as plain arrays."""
    found = Molecules(smiles)
    return [*vars(found.graphs).values(), found.counts.toarray()]


def test_features_are_made_once(folder, monkeypatch):
    made = features(SMILES)
    assert len(list(folder.glob('*.h5'))) == 2
    monkeypatch.setattr(molecules, 'parse_smiles', None)
    for one, other in zip(features(SMILES), made, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_other_content_and_other_versions_are_other_files(folder, monkeypatch):
    features(SMILES)
    features(SMILES[::-1])
    monkeypatch.setitem(molecules.VERSIONS, 'graphs', ('next',))
    features(SMILES)
    assert sorted(path.name.split('-')[0] for path in folder.iterdir()) == ['counts'] * 2 + ['graphs'] * 3


def test_files_that_were_not_used_for_long_are_dropped(folder, monkeypatch):
    monkeypatch.setattr(feature_cache, 'KEPT', 2)
    for age, name in enumerate('abc'):
        cached(name, SMILES, lambda: {'a': np.zeros(1)})
        for path in folder.glob(f'{name}-*'):
            os.utime(path, (age, age))
        cached('a', SMILES, lambda: {'a': np.zeros(1)})
    assert {path.name[0] for path in folder.iterdir()} == {'a', 'c'}


def damage(path, how):
    """Damage a file of the cache."""
    if how == 'cut short':
        path.write_bytes(path.read_bytes()[:-100])
    elif how == 'not HDF5':
        path.write_text('smiles\nC\n')
    else:
        with h5py.File(path, 'a') as handle:
            if how == 'other numbers':
                handle['a'][0] = 7
            elif how == 'link':
                handle['b'] = h5py.ExternalLink('elsewhere.h5', '/a')
            else:
                del handle.attrs['digest']


@pytest.mark.parametrize('how', ['cut short', 'not HDF5', 'other numbers', 'link', 'foreign'])
def test_damaged_files_are_made_anew(folder, caplog, how):
    cached('graphs', SMILES, lambda: {'a': np.arange(3.0)})
    path = next(folder.iterdir())
    damage(path, how)
    with caplog.at_level(logging.DEBUG, feature_cache.__name__):
        assert cached('graphs', SMILES, lambda: {'a': np.arange(3.0)})['a'].tolist() == [0, 1, 2]
    assert 'made anew' in caplog.text
    assert cached('graphs', SMILES, lambda: pytest.fail('not kept'))['a'].tolist() == [0, 1, 2]
    assert list(folder.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(folder, caplog):
    folder.write_text('a file')
    with caplog.at_level(logging.DEBUG, feature_cache.__name__):
        assert cached('graphs', SMILES, lambda: {'a': np.arange(3)})['a'].tolist() == [0, 1, 2]
    assert 'not kept' in caplog.text


def test_small_sets_are_not_kept(folder, monkeypatch):
    monkeypatch.setattr(feature_cache, 'LEAST', len(SMILES) + 3)
    features(SMILES)
    assert not folder.exists()


def test_the_folder_is_named_or_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'aiida-osc'
    monkeypatch.setenv(VARIABLE, str(tmp_path / 'mine'))
    assert cache_folder() == tmp_path / 'mine'
    monkeypatch.setenv(VARIABLE, '')
    assert cache_folder() is None
