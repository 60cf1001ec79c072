"""Scaling of predicted standard deviations so that they match the errors seen on molecules kept apart."""

import numpy as np

#: With fewer labels of a target than this, the factor of all targets together is used.
MIN_LABELS = 5


def sigma_scale(mean: np.ndarray, sigma: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the factor per target that maximises the likelihood of the labels.

    For ``N(mean, (s sigma)^2)`` the maximum lies at ``s^2 = mean(((label - mean) / sigma)^2)``.

    :param mean: shape ``(molecules, targets)``.
    :param sigma: shape ``(molecules, targets)``, > 0.
    :param labels: shape ``(molecules, targets)``; NaN where missing.
    :return: factors, shape ``(targets,)``; 1 without any label.
    """
    there = np.isfinite(labels)
    squares = np.where(there, (np.where(there, labels, 0.0) - mean) / sigma, 0.0) ** 2
    counts = there.sum(axis=0)
    pooled = squares.sum() / counts.sum() if counts.sum() else 1.0
    own = squares.sum(axis=0) / np.maximum(counts, 1)
    # A factor of exactly zero (a perfect fit by chance) would claim certainty.
    return np.sqrt(np.maximum(np.where(counts >= MIN_LABELS, own, pooled), 1e-6))
