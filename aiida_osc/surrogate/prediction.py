"""What a surrogate of any family answers."""

from dataclasses import dataclass

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.surrogate.conformal import Intervals, normal_factor


@dataclass(frozen=True)
class Moments:
    """Predicted normal distributions before calibration, in the canonical units of the columns.

    :param mean: shape ``(molecules, targets)``.
    :param aleatoric: standard deviation that more models would not change, same shape.
    :param epistemic: standard deviation of what the model does not know, such as the spread of an ensemble, same shape.
    """

    mean: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray

    @property
    def sigma(self) -> np.ndarray:
        """Return the standard deviation of both parts together."""
        return np.hypot(self.aleatoric, self.epistemic)


@dataclass(frozen=True)
class Prediction:
    """Predicted normal distributions, in the canonical units of the columns.

    :param mean: shape ``(molecules, targets)``.
    :param sigma: calibrated standard deviation, both parts together, same shape.
    :param in_domain: whether every kind of atom and bond of the molecule occurred in training and a training molecule
        is near, shape ``(molecules,)``.
    :param epistemic: the part of ``sigma`` that comes from what the model does not know, same shape as ``sigma``.
    :param similarity: Tanimoto similarity to the nearest training molecule, shape ``(molecules,)``; None when it was
        not asked for.
    :param intervals: conformal intervals; None for those of a normal distribution.
    :param has_structure: whether the model read a structure of the molecule, shape ``(molecules,)``; None when it reads
        none of any.
    """

    columns: tuple[Column, ...]
    mean: np.ndarray
    sigma: np.ndarray
    in_domain: np.ndarray
    epistemic: np.ndarray | None = None
    similarity: np.ndarray | None = None
    intervals: Intervals | None = None
    has_structure: np.ndarray | None = None

    def factors(self, confidence: float) -> np.ndarray:
        """Return the half width of each target's interval in units of sigma, shape ``(targets,)``."""
        if self.intervals is None:
            return np.full(len(self.columns), normal_factor(confidence))
        return self.intervals.factors(confidence)

    def interval(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval that holds the value with that probability.

        :return: ``(low, high)``, both of shape ``(molecules, targets)``.
        """
        half = self.factors(confidence) * self.sigma
        return self.mean - half, self.mean + half
