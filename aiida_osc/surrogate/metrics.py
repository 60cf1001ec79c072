"""How good predicted normal distributions are; missing labels do not count."""

import math

import numpy as np
from scipy.special import ndtr


def nll(mean: np.ndarray, sigma: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the negative log likelihood of each label in nats; any common shape."""
    return 0.5 * ((labels - mean) / sigma) ** 2 + np.log(sigma) + 0.5 * math.log(2 * math.pi)


def crps(mean: np.ndarray, sigma: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of each label in the label's unit; any common shape.

    Closed form for normal distributions (Gneiting et al., doi 10.1175/MWR2904.1); for a vanishing sigma it is the
    absolute error.
    """
    z = (labels - mean) / sigma
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return sigma * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))


def score(mean: np.ndarray, sigma: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return ``mae``, ``rmse``, ``nll``, ``crps`` and ``n`` of one target; ``n`` alone when there is no label.

    :param mean: predicted means, shape ``(molecules,)``.
    :param sigma: predicted standard deviations, shape ``(molecules,)``, > 0.
    :param labels: shape ``(molecules,)``; NaN where missing.
    """
    there = np.isfinite(labels)
    if not there.any():
        return {'n': 0}
    mean, sigma, labels = mean[there], sigma[there], labels[there]
    error = mean - labels
    return {
        'n': int(there.sum()),
        'mae': float(np.abs(error).mean()),
        'rmse': float(np.sqrt((error**2).mean())),
        'nll': float(nll(mean, sigma, labels).mean()),
        'crps': float(crps(mean, sigma, labels).mean()),
    }
