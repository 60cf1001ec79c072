"""What every family of surrogates shares once its moments are known: units, calibration, intervals and domain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.surrogate.conformal import Intervals
from aiida_osc.surrogate.delta import Delta
from aiida_osc.surrogate.domain import Domain
from aiida_osc.surrogate.featurise import Graphs
from aiida_osc.surrogate.prediction import Moments, Prediction
from aiida_osc.surrogate.spatial import SPATIAL


@dataclass(frozen=True)
class Finishing:
    """From the moments of normalised labels to a prediction.

    :param center: mean of each target's labels, shape ``(targets,)``.
    :param spread: their standard deviation, same shape.
    :param scale: factor of the standard deviations, same shape.
    :param alone: factor where a model that reads structures has none, same shape; None for models that read none.
    :param intervals: conformal intervals in units of the scaled standard deviations.
    :param delta: what a cheaper level says of the targets, where predictions start from one.
    """

    columns: tuple[Column, ...]
    center: np.ndarray
    spread: np.ndarray
    scale: np.ndarray
    intervals: Intervals
    domain: Domain
    delta: Delta | None = None
    alone: np.ndarray | None = None

    @classmethod
    def load(cls, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Self:
        """Return what is stored in the configuration and the tensors of a finished model.

        :raises OscError: when something is missing or does not fit.
        """
        columns = tuple(Column.parse(name) for name in config['targets'])
        extra, count = config['extra'], len(columns)
        try:
            center, spread = (vector(extra['normalisation'][name], count) for name in ('mean', 'std'))
            scale, intervals = vector(extra['scale'], count), Intervals.from_json(extra['intervals'], count)
            alone = vector(extra['scale_alone'], count) if SPATIAL in config['architecture'] else None
            domain = Domain.load(extra['domain'], tensors)
            delta = Delta.from_json(extra['delta'], count) if 'delta' in extra else None
        except (KeyError, TypeError) as exception:
            raise OscError(f'the surrogate is damaged: {exception} is missing in its configuration') from None
        if not all((item > 0).all() for item in (spread, scale, alone) if item is not None):
            raise OscError('the surrogate is damaged: a scale is not positive')
        return cls(columns, center, spread, scale, intervals, domain, delta, alone)

    def prediction(
        self,
        moments: Moments,
        graphs: Graphs,
        rows: np.ndarray,
        counts: csr_array | None = None,
        cheap: np.ndarray | None = None,
        has_structure: np.ndarray | None = None,
    ) -> Prediction:
        """Return the calibrated prediction for the molecules ``rows`` of ``graphs``.

        :param moments: of these molecules, for normalised labels.
        :param counts: their Morgan features; without them the nearest training molecules are not searched.
        :param cheap: their values of the columns that predictions start from, shape ``(molecules, inputs)``; where one
            is missing, so is the prediction.
        :param has_structure: whether the model read their structures, shape ``(molecules,)``.
        :raises OscError: when predictions start from columns that are not given.
        """
        known, center = graphs.known(rows, self.domain.seen), self.center
        if self.delta is not None:
            if cheap is None:
                raise OscError(f'this model starts from {", ".join(map(str, self.delta.inputs))}: give these columns')
            center = center + self.delta(cheap)
            known = known & np.isfinite(cheap).all(axis=1)
        sigmas = self.spread * self.scales(has_structure)
        similarity = None if counts is None else self.domain.similarity(counts)
        return Prediction(
            columns=self.columns,
            mean=center + self.spread * moments.mean,
            sigma=sigmas * moments.sigma,
            in_domain=known if similarity is None else known & (similarity >= self.domain.threshold),
            epistemic=sigmas * moments.epistemic,
            similarity=similarity,
            intervals=self.intervals,
            has_structure=has_structure,
        )

    def scales(self, has_structure: np.ndarray | None) -> np.ndarray:
        """Return the factors of the standard deviations, shape ``(targets,)`` or ``(molecules, targets)``."""
        if has_structure is None or self.alone is None:
            return self.scale
        return np.where(has_structure[:, None], self.scale, self.alone)


def vector(values: Any, length: int) -> np.ndarray:
    """Return ``values`` as an array of shape ``(length,)``.

    :raises OscError: when they are no finite numbers, or not that many.
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.shape != (length,) or not np.isfinite(array).all():
        raise OscError('the surrogate is damaged: its normalisation does not fit its columns')
    return array
