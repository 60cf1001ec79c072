"""Intervals that hold the promised share of labels whatever the shape of the errors.

Normalised split conformal prediction: the quantiles of ``|error| / sigma`` on molecules kept apart, with the correction
for their finite number (Lei et al., doi 10.1080/01621459.2017.1307116).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from aiida_osc.errors import OscError

#: Confidences whose quantiles are stored; between them the quantiles are interpolated.
GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
#: With fewer labels of a target than this, its intervals are those of the normal distribution.
MIN_LABELS = 20


@dataclass(frozen=True)
class Intervals:
    """Half widths of the intervals in units of the calibrated standard deviation.

    :param quantiles: for each target and each confidence of :data:`GRID`, shape ``(targets, len(GRID))``.
    """

    quantiles: np.ndarray

    @classmethod
    def fit(cls, mean: np.ndarray, sigma: np.ndarray, labels: np.ndarray) -> Self:
        """Return the intervals of labels that neither training nor choice of the model has seen.

        A confidence that so few labels cannot promise gets the larger of their largest error and the normal quantile.

        :param mean: shape ``(molecules, targets)``.
        :param sigma: shape ``(molecules, targets)``, > 0.
        :param labels: shape ``(molecules, targets)``; NaN where missing.
        """
        scores = np.abs(labels - mean) / sigma
        return cls(np.stack([_quantiles(np.sort(column[np.isfinite(column)])) for column in scores.T]))

    @classmethod
    def from_json(cls, values: Any, targets: int) -> Self:
        """Return the intervals stored by :meth:`to_json`.

        :raises OscError: when they are damaged.
        """
        try:
            quantiles = np.asarray(values, dtype=float)
        except (TypeError, ValueError):
            quantiles = np.zeros(0)
        if quantiles.shape != (targets, len(GRID)) or not (np.diff(quantiles, axis=1, prepend=0) >= 0).all():
            raise OscError('the surrogate is damaged: its intervals do not fit its columns')
        return cls(quantiles)

    def to_json(self) -> list[list[float]]:
        """Return the quantiles as JSON values."""
        return self.quantiles.tolist()

    def factors(self, confidence: float) -> np.ndarray:
        """Return the half width of each target's interval in units of sigma, shape ``(targets,)``.

        Between the stored confidences it is linear in the normal quantile, beyond the last proportional to it.

        :raises OscError: when the confidence is not within (0, 1).
        """
        if not 0 < confidence < 1:
            raise OscError(f'confidence is {confidence}: give a number between 0 and 1')
        at, knots = normal_factor(confidence), np.array([0.0, *map(normal_factor, GRID)])
        if at >= knots[-1]:
            return self.quantiles[:, -1] * at / knots[-1]
        return np.array([np.interp(at, knots, [0.0, *row]) for row in self.quantiles])


def normal_factor(confidence: float) -> float:
    """Return the half width of the central interval of a normal distribution in standard deviations."""
    return float(ndtri(0.5 + confidence / 2))


def _quantiles(scores: np.ndarray) -> np.ndarray:
    """Return the corrected quantiles of sorted ``scores`` at the confidences of the grid."""
    normal = np.array([normal_factor(confidence) for confidence in GRID])
    if len(scores) < MIN_LABELS:
        return normal
    # The rounding keeps 20 * 0.95 from becoming 19.000000000000004, whose ceiling is one too many.
    ranks = np.ceil(np.round((len(scores) + 1) * np.array(GRID), 9)).astype(int)
    promised = scores[np.minimum(ranks, len(scores)) - 1]
    return np.where(ranks <= len(scores), promised, np.maximum(promised, normal))
