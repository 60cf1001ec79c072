"""Exact Gaussian processes on counted Morgan features, one per target."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array

from aiida_osc.chem.fingerprints import BITS
from aiida_osc.errors import OscError
from aiida_osc.surrogate.data import TrainingData
from aiida_osc.surrogate.families.kernel import TanimotoKernel
from aiida_osc.surrogate.finishing import vector
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.prediction import Moments
from aiida_osc.training.device import cpu_threads

FAMILY = 'gp'
#: Of more training molecules, this many are drawn by seed: time grows with the cube of their number.
MAX_MOLECULES = 4000
#: Of these, as many decide the noise.
MAX_NOISE = 1000
#: Bounds of the noise, the ratio of the variance of the labels' noise to that of the function. Labels without noise may
#: still differ between molecules that share all features, so it is never tiny.
NOISE = (1e-2, 1e2)
#: Molecules compared with the training molecules at once.
CHUNK = 256


@dataclass(frozen=True)
class Posterior:
    """What is learnt of all targets; labels are normalised.

    :param counts: Morgan features of the training molecules, shape ``(training, 2048)``.
    :param weights: of the training molecules in each mean, 0 without a label, shape ``(training, targets)``.
    :param labelled: whether there is a label, same shape.
    :param noise: ratio of the variances of noise and function, shape ``(targets,)``.
    :param variance: of the function, shape ``(targets,)``.
    :param offset: mean of the labels, shape ``(targets,)``.
    """

    counts: csr_array
    weights: np.ndarray
    labelled: np.ndarray
    noise: np.ndarray
    variance: np.ndarray
    offset: np.ndarray

    @cached_property
    def kernel(self) -> TanimotoKernel:
        """Return the similarity to the training molecules."""
        return TanimotoKernel(self.counts)

    @cached_property
    def factors(self) -> list[np.ndarray]:
        """Return the Cholesky factor of each target's labels.

        They are computed when first needed, in about a second each: stored, they would take a hundred megabytes each.
        """
        similarity = self.kernel(self.counts)
        return [
            _factor(similarity[np.ix_(there, there)], noise)
            for there, noise in zip(self.labelled.T, self.noise, strict=True)
        ]

    @classmethod
    def load(cls, architecture: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], targets: int) -> Self:
        """Return what :meth:`architecture` and :meth:`tensors` stored.

        :raises OscError: when something is missing or does not fit.
        """
        try:
            arrays = {name: tensors[f'gp.{name}'].numpy() for name in ('feature', 'count', 'offset', 'weight', 'label')}
            noise, variance, offset = (vector(architecture[name], targets) for name in ('noise', 'variance', 'offset'))
        except KeyError as exception:
            raise OscError(f'the surrogate is damaged: {exception} is missing') from None
        shape = (len(arrays['offset']) - 1, targets)
        if not (arrays['weight'].shape == arrays['label'].shape == shape and np.isfinite(arrays['weight']).all()):
            raise OscError('the surrogate is damaged: its weights do not fit its molecules and columns')
        if not ((noise > 0) & (variance > 0)).all():
            raise OscError('the surrogate is damaged: a variance is not positive')
        return cls(_counts(arrays), arrays['weight'], arrays['label'] > 0, noise, variance, offset)

    def architecture(self) -> dict[str, Any]:
        """Return the numbers per target."""
        return {'family': FAMILY, **{name: getattr(self, name).tolist() for name in ('noise', 'variance', 'offset')}}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the numbers per training molecule, its features in the narrowest integers that hold them."""
        arrays = {
            'feature': self.counts.indices.astype(np.int16),
            'count': self.counts.data.astype(np.uint8),
            'offset': self.counts.indptr.astype(np.int64),
            'weight': self.weights,
            'label': self.labelled.astype(np.uint8),
        }
        return {f'gp.{name}': torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def answer(self, molecules: Molecules, rows: np.ndarray) -> Moments:
        """Return the moments of normalised labels for the molecules ``rows``."""
        return self.moments(molecules.counts[rows])

    def moments(self, counts: csr_array) -> Moments:
        """Return mean and spread of the posterior of normalised labels."""
        with cpu_threads(1):
            return self._moments(counts)

    def _moments(self, counts: csr_array) -> Moments:
        means, spreads = [np.zeros((0, len(self.noise)))], [np.zeros((0, len(self.noise)))]
        for start in range(0, counts.shape[0], CHUNK):
            similarity = self.kernel(counts[start : start + CHUNK])
            means.append(self.offset + similarity @ self.weights)
            known = [
                np.square(solve_triangular(factor, similarity[:, there].T, lower=True)).sum(axis=0)
                for factor, there in zip(self.factors, self.labelled.T, strict=True)
            ]
            spreads.append(np.sqrt(self.variance * np.maximum(1 - np.stack(known, axis=1), 0)))
        mean, epistemic = np.concatenate(means), np.concatenate(spreads)
        return Moments(mean, np.broadcast_to(np.sqrt(self.noise * self.variance), mean.shape), epistemic)


def fit(counts: csr_array, labels: np.ndarray, seed: int) -> Posterior:
    """Return the posterior given normalised labels; noise and variance maximise the marginal likelihood.

    :param counts: Morgan features of the training molecules.
    :param labels: shape ``(molecules, targets)``; NaN where missing.
    :param seed: draws :data:`MAX_MOLECULES` where there are more, and those that decide the noise.
    """
    rows = np.random.default_rng(seed).permutation(counts.shape[0])[:MAX_MOLECULES]
    counts, labels = counts[rows], labels[rows]
    labelled = np.isfinite(labels)
    with cpu_threads(1):
        similarity = TanimotoKernel(counts)(counts)
    weights = np.zeros(labels.shape)
    found = []
    for target, there in enumerate(labelled.T):
        values = labels[there, target]
        offset = values.mean() if len(values) else 0.0
        few = np.flatnonzero(there)[:MAX_NOISE]
        noise = _best_noise(similarity[np.ix_(few, few)], labels[few, target] - offset)
        factor = _factor(similarity[np.ix_(there, there)], noise)
        half = solve_triangular(factor, values - offset, lower=True)
        weights[there, target] = solve_triangular(factor, half, lower=True, trans=1)
        found.append((noise, max(float(half @ half) / max(len(values), 1), 1e-12), offset))
    noise, variance, offset = np.array(found).T
    return Posterior(counts, weights, labelled, noise, variance, offset)


def _best_noise(similarity: np.ndarray, values: np.ndarray) -> float:
    """Return the noise of the largest marginal likelihood, for the variance that is best with it."""
    eigenvalues, vectors = np.linalg.eigh(similarity)
    squares = (vectors.T @ values) ** 2

    def cost(log_noise: float) -> float:
        spectrum = np.maximum(eigenvalues, 0) + np.exp(log_noise)
        return float(len(values) * np.log(np.sum(squares / spectrum) + 1e-300) + np.log(spectrum).sum())

    return float(np.exp(minimize_scalar(cost, bounds=np.log(NOISE), method='bounded').x))


def _factor(similarity: np.ndarray, noise: float) -> np.ndarray:
    return cholesky(similarity + noise * np.eye(len(similarity)), lower=True)


def _counts(arrays: Mapping[str, np.ndarray]) -> csr_array:
    """Return the features of the training molecules.

    :raises OscError: when an index leads out of its array.
    """
    feature, count, offset = (arrays[name].astype(np.int64) for name in ('feature', 'count', 'offset'))
    ordered = len(offset) > 1 and offset[0] == 0 and offset[-1] == len(feature) and (np.diff(offset) >= 0).all()
    if not (ordered and len(count) == len(feature) and ((feature >= 0) & (feature < BITS)).all() and (count > 0).all()):
        raise OscError('the surrogate is damaged: the features of its training molecules cannot be read')
    return csr_array((count, feature, offset), shape=(len(offset) - 1, BITS))


def load(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Posterior:
    """Return the processes of a finished model.

    :raises OscError: when it is damaged.
    """
    return Posterior.load(config['architecture'], tensors, len(config['targets']))


def fit_training_part(data: TrainingData, labels: np.ndarray, seed: int) -> Posterior:
    """Return Gaussian processes of the training part.

    :param labels: normalised, of all molecules of ``data``.
    """
    return fit(data.molecules.counts[data.parts.train], labels[data.parts.train], seed)
