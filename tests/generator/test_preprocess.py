"""Molecules featurised once: in several processes, in memory, in a file."""

from dataclasses import fields

import numpy as np
import pytest

from aiida_osc.datasets import feature_cache
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


def test_a_store_gives_back_what_was_packed(small_table, decomposed, vocabulary):
    store = featurise_table(small_table.smiles, vocabulary, decomposed).features
    assert_same(store, FeatureStore.of(store.flat()))
    assert_same(store, FeatureStore.pack(list(store)))
    assert {array.dtype.itemsize for array in store.arrays.values()} <= {1, 2}
    with pytest.raises(IndexError, match='no molecule 12'):
        store[12]


def test_large_sets_are_featurised_once(small_table, vocabulary, tmp_path, monkeypatch):
    monkeypatch.setenv('AIIDA_OSC_CACHE', str(tmp_path))
    monkeypatch.setattr(feature_cache, 'LEAST', 2)
    smiles = (*small_table.smiles, 'N->B')
    first = featurise_table(smiles, vocabulary)
    (path,) = tmp_path.iterdir()
    with monkeypatch.context() as context:
        context.setattr(preprocess, 'decompose_table', None)
        second = featurise_table(smiles, vocabulary)
    assert (second.rows, second.rejected) == (first.rows, first.rejected)
    assert_same(first.features, second.features)
    path.write_bytes(b'damaged')
    assert featurise_table(smiles, vocabulary).rejected == first.rejected
    featurise_table(smiles[1:], vocabulary)
    assert len(list(tmp_path.iterdir())) == 2


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
