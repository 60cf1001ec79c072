"""Molecules featurised once: in several processes, in memory, in a file."""

from dataclasses import fields

import h5py
import numpy as np
import pytest

from aiida_osc.errors import OscError
from aiida_osc.generator import preprocess
from aiida_osc.generator.data import choose_vocabulary
from aiida_osc.generator.preprocess import decompose_table, featurise_table
from aiida_osc.generator.store import FeatureStore
from aiida_osc.generator.tensors import Features


@pytest.fixture
def decomposed(small_table):
    return decompose_table(small_table.smiles, 1)


@pytest.fixture
def vocabulary(decomposed):
    return choose_vocabulary(decomposed)


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(getattr(one, item.name), getattr(other, item.name)) for item in fields(Features))


def test_processes_do_not_change_the_result(small_table, decomposed, monkeypatch):
    monkeypatch.setattr(preprocess, '_CHUNK', 5)
    smiles = (*small_table.smiles, 'C[CH2]')
    several = decompose_table(smiles, 1, jobs=2)
    assert (several.rows, several.trees) == (decomposed.rows, decomposed.trees)
    assert list(several.rejected) == [len(small_table)]


def test_a_store_gives_back_what_was_packed(small_table, decomposed, vocabulary, tmp_path):
    store = featurise_table(small_table.smiles, vocabulary, decomposed).features
    with h5py.File(tmp_path / 'store.h5', 'w') as handle:
        store.write(handle)
    with h5py.File(tmp_path / 'store.h5') as handle:
        again = FeatureStore.read(handle)
    assert_same(store, again)
    assert_same(store, FeatureStore.pack(list(store)))
    assert {array.dtype.itemsize for array in store.arrays.values()} <= {1, 2}
    with pytest.raises(IndexError, match='no molecule 12'):
        store[12]


def test_a_store_whose_lengths_do_not_fit_is_refused(small_table, decomposed, vocabulary, tmp_path):
    store = featurise_table(small_table.smiles, vocabulary, decomposed).features
    with h5py.File(tmp_path / 'store.h5', 'w') as handle:
        store.write(handle)
        handle['nodes_counts'][0] += 1
        with pytest.raises(OscError, match='lengths do not fit'):
            FeatureStore.read(handle)


def test_large_sets_are_featurised_once(small_table, vocabulary, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(preprocess, 'CACHED_FROM', 2)
    smiles = (*small_table.smiles, 'N->B')
    first = featurise_table(smiles, vocabulary)
    (path,) = (tmp_path / 'aiida-osc').iterdir()
    with h5py.File(path, 'a') as handle:
        handle['rejected'][()] = '{"12": "read from the file"}'
    second = featurise_table(smiles, vocabulary)
    assert second.rejected == {12: 'read from the file'}
    assert second.rows == first.rows
    assert_same(first.features, second.features)
    path.write_bytes(b'damaged')
    assert featurise_table(smiles, vocabulary).rejected == first.rejected
    featurise_table(smiles[1:], vocabulary)
    assert len(list(path.parent.iterdir())) == 2


def test_old_files_make_room(small_table, vocabulary, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(preprocess, 'CACHED_FROM', 2)
    monkeypatch.setattr(preprocess, '_FILES_KEPT', 2)
    for count in (4, 5, 6):
        featurise_table(small_table.smiles[:count], vocabulary)
    assert len(list((tmp_path / 'aiida-osc').iterdir())) == 2


#: What becomes of molecules that are none of the usual ones: a reason, or None for those that come back exactly.
UNUSUAL = {
    '': 'empty SMILES',
    'c1ccc': 'invalid SMILES',
    '[Na+].[Cl-]': 'more than one fragment: give the molecule alone, without salts or solvents',
    'C[CH2]': 'radical: only closed-shell molecules are treated',
    'N->B': 'bond of type dative: motifs do not hold it',
    '[2H]C': 'its motifs reassemble to another molecule',
    'C' * 1001: 'SMILES longer than 1000 characters',
    'c1ccc(cc1)[Pt]c1ccccc1': None,
    'C[n+]1ccccc1': None,
    'F[P-](F)(F)(F)(F)F': None,
    '[cH-]1cccc1': None,
    'C' * 300: None,
}


def test_unusual_molecules_are_kept_exactly_or_counted_with_a_reason():
    done = decompose_table(list(UNUSUAL), 1)
    assert {text: done.rejected.get(row) for row, text in enumerate(UNUSUAL)} == UNUSUAL
    assert sum(done.reasons().values()) == 7


def test_one_bad_molecule_does_not_stop_the_others(small_table, vocabulary):
    done = featurise_table(('C1CCCCCC1', *small_table.smiles), vocabulary)
    assert done.rejected == {0: 'motif ring:C1CCCCCC1 is not in the vocabulary'}
    assert done.rows == tuple(range(1, len(small_table) + 1))


@pytest.mark.parametrize('smiles', [[], ['c1ccsc1'], ['C1CCCCCC1', 'c1ccsc1']])
def test_too_few_molecules_end_in_a_sentence(smiles, vocabulary):
    with pytest.raises(OscError, match='two at least are needed'):
        featurise_table(smiles, vocabulary)
