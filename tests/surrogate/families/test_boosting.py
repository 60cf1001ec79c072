"""Boosted trees, and trees as arrays."""

import sys

import lightgbm
import numpy as np
import pytest
import torch

from aiida_osc.chem.fingerprints import morgan_counts
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.errors import OscError
from aiida_osc.surrogate.families import boosting
from aiida_osc.surrogate.families.trees import Forest
from aiida_osc.surrogate.featurise import featurise


@pytest.fixture(scope='module')
def features(labelled_table):
    counts = morgan_counts([parse_smiles(item) for item in labelled_table.smiles])
    return boosting.feature_matrix(featurise(labelled_table.smiles), np.arange(len(labelled_table)), counts)


@pytest.fixture(scope='module')
def labels(labelled_table):
    values = np.stack(list(labelled_table.columns.values()), axis=1)
    return (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)


@pytest.fixture(scope='module')
def boosted(features, labels):
    return boosting.fit(features, labels, seed=0)


def load(forest, groups=12):
    return Forest.load(forest.tensors(), forest.depth, boosting.FEATURES, groups)


def test_features_are_counts(features, labelled_table):
    atoms = [parse_smiles(item).GetNumAtoms() for item in labelled_table.smiles]
    elements = features[:, boosting.BITS : boosting.BITS + 17]
    assert elements.sum(axis=1).tolist() == atoms  # each atom is of one element


def test_trees_predict_what_lightgbm_predicts(features):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (300, 30))
    settings = {'num_leaves': 15, 'min_data_in_leaf': 3, 'verbosity': -1, 'num_threads': 1}
    target = x[:, 0] * np.sin(x[:, 1]) + (x[:, 2] > 4)
    boosters = [lightgbm.train(settings, lightgbm.Dataset(x, sign * target), 20) for sign in (1, -1)]
    forest = Forest.from_trees(
        [[tree['tree_structure'] for tree in booster.dump_model()['tree_info']] for booster in boosters]
    )
    expected = np.stack([booster.predict(x) for booster in boosters], axis=1)
    np.testing.assert_allclose(forest.sums(x, 2), expected, atol=1e-12)


def test_no_tree_is_zero():
    assert Forest.from_trees([]).sums(np.zeros((3, 5), dtype=int), 2).tolist() == [[0, 0]] * 3


def test_labels_are_learnt(boosted, features, labels):
    found = boosted.moments(features)
    error = np.abs(found.mean - labels)
    assert np.nanmean(error) < 0.25
    assert (found.sigma > 0).all()


def test_order_of_molecules_has_no_influence_on_predictions(boosted, features):
    order = np.random.default_rng(0).permutation(len(features))
    np.testing.assert_array_equal(boosted.moments(features[order]).mean, boosted.moments(features).mean[order])


def test_the_seed_decides(boosted, features, labels):
    again = boosting.fit(features, labels, seed=0)
    assert all(torch.equal(tensor, again.forest.tensors()[name]) for name, tensor in boosted.forest.tensors().items())


@pytest.mark.parametrize('values', [[0.3], [0.3, -0.3], [1.0] * 6])
def test_hardly_any_label_is_no_error(features, values):
    found = boosting.fit(features[: len(values)], np.array(values)[:, None], seed=0).moments(features[:9])
    assert np.isfinite(found.mean).all()
    assert (found.sigma > 0).all()


def test_survives_its_tensors(boosted, features):
    again = boosting.Boosted(load(boosted.forest), boosted.floor)
    np.testing.assert_array_equal(again.moments(features).sigma, boosted.moments(features).sigma)


@pytest.mark.parametrize(
    ('name', 'change'),
    [
        ('trees.left', lambda tensor: tensor + len(tensor)),
        ('trees.right', lambda tensor: tensor - len(tensor)),
        ('trees.feature', lambda tensor: tensor + boosting.FEATURES),
        ('trees.feature', lambda tensor: tensor.float()),
        ('trees.roots', lambda tensor: tensor - 1),
        ('trees.group', lambda tensor: tensor + 12),
        ('trees.group', lambda tensor: tensor[1:]),
        ('trees.value', lambda tensor: tensor / 0),
        ('trees.threshold', lambda tensor: tensor[1:]),
        ('trees.value', None),
    ],
)
def test_damaged_trees_are_one_sentence(boosted, name, change):
    tensors = boosted.forest.tensors()
    if change is None:
        del tensors[name]
    else:
        tensors[name] = change(tensors[name])
    with pytest.raises(OscError, match='is damaged'):
        Forest.load(tensors, boosted.forest.depth, boosting.FEATURES, 12)


@pytest.mark.parametrize('depth', [0, 1000, '3', None, 2.5])
def test_a_depth_that_is_none_is_refused(boosted, depth):
    with pytest.raises(OscError, match='is damaged'):
        Forest.load(boosted.forest.tensors(), depth, boosting.FEATURES, 12)


def test_without_lightgbm_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'lightgbm', None)
    with pytest.raises(OscError, match='pip install lightgbm'):
        boosting.load_lightgbm()
