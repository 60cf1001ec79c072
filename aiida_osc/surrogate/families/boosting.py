"""Gradient boosting on counted features; the errors on folds left out teach the uncertainty."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import BITS
from aiida_osc.errors import OscError
from aiida_osc.surrogate.data import TrainingData
from aiida_osc.surrogate.families.trees import Forest
from aiida_osc.surrogate.featurise import ATOM_CATEGORIES, BOND_CATEGORIES, Graphs
from aiida_osc.surrogate.finishing import vector
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.prediction import Moments

FAMILY = 'boosting'
#: Each is left out of one of as many models, whose mean is the prediction and whose spread its epistemic part.
FOLDS = 5
#: Of more training molecules, this many are drawn by seed: their features take four kilobytes each.
MAX_MOLECULES = 20000
#: Molecules whose features are laid out at once when predicting.
CHUNK = 4096
#: What is asked of a molecule: Morgan features, then how often each category of atoms and bonds occurs.
FEATURES = BITS + ATOM_CATEGORIES + BOND_CATEGORIES
ROUNDS, ERROR_ROUNDS = 150, 40
#: Leaves of a tree, fewer where there are fewer labels than :data:`MANY_LABELS`.
MANY_LABELS, LEAVES, FEW_LEAVES = 1000, 31, 15
#: The predicted standard deviation is at least this fraction of the mean absolute error.
FLOOR = 0.3
_COMMON = {
    'objective': 'l2',
    'learning_rate': 0.1,
    'feature_fraction': 0.5,
    'deterministic': True,
    'force_row_wise': True,
    'num_threads': 1,
    'verbosity': -1,
}


@dataclass(frozen=True)
class Boosted:
    """The trees of all targets: of each, one group per fold for the mean and one for the absolute error.

    :param floor: smallest predicted absolute error of each target, shape ``(targets,)``.
    """

    forest: Forest
    floor: np.ndarray

    def architecture(self) -> dict[str, Any]:
        """Return what the arrays of the trees do not say."""
        return {'family': FAMILY, 'depth': self.forest.depth, 'floor': self.floor.tolist()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the arrays of the trees."""
        return self.forest.tensors()

    def answer(self, molecules: Molecules, rows: np.ndarray) -> Moments:
        """Return the moments of normalised labels for the molecules ``rows``, laid out chunk by chunk."""
        empty = np.zeros((0, len(self.floor)))
        chunks = [Moments(empty, empty, empty)]
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            chunks.append(self.moments(feature_matrix(molecules.graphs, part, molecules.counts[part])))
        return Moments(*(np.concatenate([getattr(item, name) for item in chunks]) for name in Moments.__annotations__))

    def moments(self, features: np.ndarray) -> Moments:
        """Return the moments of normalised labels.

        :param features: shape ``(molecules, FEATURES)``.
        """
        targets = len(self.floor)
        sums = self.forest.sums(features, targets * (FOLDS + 1)).reshape(len(features), targets, FOLDS + 1)
        means, error = sums[..., :FOLDS], np.maximum(sums[..., FOLDS], self.floor)
        # The mean absolute value of a normal variable is this fraction of its standard deviation.
        return Moments(means.mean(axis=2), error / np.sqrt(2 / np.pi), means.std(axis=2))


def fit(features: np.ndarray, labels: np.ndarray, seed: int) -> Boosted:
    """Return the trees for normalised labels.

    :param features: shape ``(molecules, FEATURES)``.
    :param labels: shape ``(molecules, targets)``; NaN where missing.
    :param seed: decides folds and features of each tree.
    :raises OscError: when LightGBM is not installed.
    """
    groups: list[list[dict[str, Any]]] = []
    floors = []
    for column in labels.T:
        there = np.flatnonzero(np.isfinite(column))
        means, errors = _fit_target(features[there], column[there], seed)
        groups.extend([*means, errors[0]])
        floors.append(errors[1])
    return Boosted(Forest.from_trees(groups), np.array(floors))


def _fit_target(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[list[list[dict[str, Any]]], Any]:
    """Return the trees of each fold's model, and those of the absolute error with the floor of their sum."""
    fold = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    left_out = np.zeros(len(y))
    models = []
    for number in range(FOLDS):
        inside = fold != number
        if inside.sum() == 0 or (~inside).sum() == 0:
            inside = np.ones(len(y), dtype=bool)
        booster = _boost(x[inside], y[inside], ROUNDS, seed + number)
        left_out[fold == number] = booster.predict(x[fold == number]) if (fold == number).any() else 0.0
        models.append(_structures(booster))
    error = np.abs(y - left_out)
    return models, (_structures(_boost(x, error, ERROR_ROUNDS, seed + FOLDS)), max(FLOOR * float(error.mean()), 1e-6))


def _boost(x: np.ndarray, y: np.ndarray, rounds: int, seed: int) -> Any:
    lightgbm = load_lightgbm()
    settings = {
        **_COMMON,
        'seed': seed,
        'min_data_in_leaf': int(np.clip(len(y) // 40, 2, 20)),
        'num_leaves': LEAVES if len(y) >= MANY_LABELS else FEW_LEAVES,
    }
    return lightgbm.train(settings, lightgbm.Dataset(x, y), num_boost_round=rounds)


def _structures(booster: Any) -> list[dict[str, Any]]:
    return [item['tree_structure'] for item in booster.dump_model()['tree_info']]


def load_lightgbm() -> Any:
    """Return the module.

    :raises OscError: when it cannot be used here.
    """
    try:
        import lightgbm
    except (ImportError, OSError) as exception:
        raise OscError(
            f'gradient boosting needs LightGBM, which cannot be used here ({exception}): pip install lightgbm, '
            'and the OpenMP library of the system (on Debian: apt-get install libgomp1)'
        ) from None
    return lightgbm


def feature_matrix(graphs: Graphs, rows: np.ndarray, counts: csr_array) -> np.ndarray:
    """Return what the trees ask for, shape ``(molecules, FEATURES)``, int16.

    :param counts: Morgan features of the molecules ``rows``.
    """
    parts = [counts.astype(np.int16).toarray(), *graphs.category_counts(rows)]
    return np.hstack([part.astype(np.int16, copy=False) for part in parts])


def load(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Boosted:
    """Return the trees of a finished model.

    :raises OscError: when it is damaged.
    """
    architecture, targets = config['architecture'], len(config['targets'])
    forest = Forest.load(tensors, architecture.get('depth'), FEATURES, targets * (FOLDS + 1))
    return Boosted(forest, vector(architecture.get('floor'), targets))


def fit_training_part(data: TrainingData, labels: np.ndarray, seed: int) -> Boosted:
    """Return boosted trees of the training part.

    :param labels: normalised, of all molecules of ``data``.
    :raises OscError: when LightGBM is not installed.
    """
    train = np.random.default_rng(seed).permutation(data.parts.train)[:MAX_MOLECULES]
    return fit(feature_matrix(data.molecules.graphs, train, data.molecules.counts[train]), labels[train], seed)
