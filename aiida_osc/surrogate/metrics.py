"""How good predicted normal distributions are; missing labels do not count."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import spearmanr

#: Confidences whose coverage is quoted.
CONFIDENCES = (0.5, 0.9, 0.95)
#: Bins of equal count for the comparison of errors with standard deviations.
BINS = 10


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


def calibration_bins(sigma: np.ndarray, error: np.ndarray, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Return the root mean square of predicted standard deviations and of errors in bins of equal count.

    :param sigma: shape ``(molecules,)``.
    :param error: prediction minus label, shape ``(molecules,)``.
    :param bins: at most this many, each with about ten molecules or more.
    :return: two arrays of shape ``(bins,)``, in the order of rising sigma.
    """
    order = np.argsort(sigma, kind='stable')
    parts = np.array_split(order, max(1, min(bins, len(order) // 10)))
    predicted, found = (np.array([np.sqrt(np.mean(values[part] ** 2)) for part in parts]) for values in (sigma, error))
    return predicted, found


def ence(sigma: np.ndarray, error: np.ndarray) -> float:
    """Return the expected normalised calibration error (Levi et al., doi 10.3390/s22155540), 0 at best.

    It is the mean over the bins of the difference between the root mean squares of errors and of standard deviations,
    as a fraction of the latter.
    """
    predicted, found = calibration_bins(sigma, error)
    return float(np.mean(np.abs(predicted - found) / predicted))


def reliability(sigma: np.ndarray, error: np.ndarray, points: int = 101) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and the share of errors inside the central normal interval of each; shape ``(points,)``."""
    confidences = np.linspace(0, 1, points)
    with np.errstate(divide='ignore'):
        inside = np.sort(2 * ndtr(np.abs(error / sigma)) - 1)
    return confidences, np.searchsorted(inside, confidences, side='right') / len(inside)


def miscalibration_area(sigma: np.ndarray, error: np.ndarray) -> float:
    """Return the area between the reliability curve and the diagonal, 0 at best and 0.5 at worst.

    Defined in Tran et al., doi 10.1088/2632-2153/ab7e1a.
    """
    confidences, observed = reliability(sigma, error)
    gap = observed - confidences
    left, right = gap[:-1], gap[1:]
    # Where the curve crosses the diagonal within a step there are two triangles instead of a trapezoid.
    total = np.abs(left) + np.abs(right)
    crossed = (left**2 + right**2) / np.where(total > 0, total, 1.0)
    return float(np.sum(np.where(left * right < 0, crossed, total)) / 2 * (confidences[1] - confidences[0]))


def error_correlation(sigma: np.ndarray, error: np.ndarray) -> float | None:
    """Return Spearman's rank correlation of absolute errors with sigma; None where either does not vary."""
    size = np.abs(error)
    if len(sigma) < 2 or not (np.ptp(sigma) and np.ptp(size)):
        return None
    return float(spearmanr(sigma, size).statistic)


def score(
    mean: np.ndarray, sigma: np.ndarray, labels: np.ndarray, factors: Mapping[float, float] | None = None
) -> dict[str, float | None]:
    """Return the figures of one target; ``n`` alone when there is no label.

    The keys are ``n``, ``mae``, ``rmse``, ``nll``, ``crps``, ``ence``, ``miscalibration_area``, ``sharpness`` (the root
    mean square of sigma), ``spearman`` and ``coverage_50``, ``coverage_90`` and ``coverage_95``.

    :param mean: predicted means, shape ``(molecules,)``.
    :param sigma: predicted standard deviations, shape ``(molecules,)``, > 0.
    :param labels: shape ``(molecules,)``; NaN where missing.
    :param factors: half width of the interval of each of :data:`CONFIDENCES` in units of sigma; those of a normal
        distribution when not given.
    """
    there = np.isfinite(labels)
    if not there.any():
        return {'n': 0}
    mean, sigma, labels = mean[there], sigma[there], labels[there]
    error = mean - labels
    factors = factors or {confidence: ndtri(0.5 + confidence / 2) for confidence in CONFIDENCES}
    return {
        'n': int(there.sum()),
        'mae': float(np.abs(error).mean()),
        'rmse': float(np.sqrt((error**2).mean())),
        'nll': float(nll(mean, sigma, labels).mean()),
        'crps': float(crps(mean, sigma, labels).mean()),
        'ence': ence(sigma, error),
        'miscalibration_area': miscalibration_area(sigma, error),
        'sharpness': float(np.sqrt(np.mean(sigma**2))),
        'spearman': error_correlation(sigma, error),
        **{f'coverage_{100 * c:.0f}': float((np.abs(error) <= factors[c] * sigma).mean()) for c in CONFIDENCES},
    }
