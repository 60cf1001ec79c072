"""Which family of models to keep: the one with the smallest calibrated CRPS on molecules kept from training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.surrogate.calibration import sigma_scale
from aiida_osc.surrogate.data import Parts
from aiida_osc.surrogate.metrics import crps
from aiida_osc.surrogate.prediction import Moments

#: The calibration of each fold of molecules comes from the others.
FOLDS = 5
#: A model whose predictions differ by less than this fraction of the labels' spread has collapsed.
MIN_SPREAD = 1e-3
#: Training molecules that are asked whether predictions differ.
ASKED = 100
#: A model whose CRPS is larger than that of the labels' mean by this factor is rejected, when the difference is also
#: this many standard errors: on a dozen molecules a fair model may look as bad.
WORSE, SIGNIFICANT = 1.1, 2.0
MEASURE = 'mean over the columns of the calibrated CRPS in standard deviations of the labels'


@dataclass(frozen=True)
class Candidate:
    """A fitted model of one family.

    :param architecture: what :class:`aiida_osc.training.artifact.ModelArtifact` stores under that name.
    :param moments: moments of normalised labels for rows of the data.
    :param alone: the same without the structures; None for models that read none.
    """

    family: str
    architecture: dict[str, Any]
    tensors: dict[str, torch.Tensor]
    moments: Callable[[np.ndarray], Moments]
    alone: Callable[[np.ndarray], Moments] | None = None


def choose(
    candidates: Sequence[Candidate], labels: np.ndarray, columns: Sequence[Column], parts: Parts, notes: Sequence[str]
) -> tuple[Candidate, dict[str, Any]]:
    """Return the best usable candidate and the record of the choice, as JSON values.

    :param labels: normalised, shape ``(molecules, targets)``; NaN where missing.
    :param notes: why families are missing.
    :raises OscError: when no candidate is usable.
    """
    rows = parts.calibration
    notes = list(notes)
    figures: dict[str, dict[str, float]] = {}
    for candidate in candidates:
        moments = candidate.moments(rows)
        reason = why_unusable(candidate, moments, labels, parts)
        if reason is not None:
            notes.append(f'{candidate.family} was rejected: {reason}')
            continue
        figures[candidate.family] = _by_column(calibrated_crps(moments, labels[rows]), columns)
    if not figures:
        raise OscError(f'no usable model: {"; ".join(notes)}; label more molecules or look at the data')
    means = {family: float(np.mean(list(values.values()))) for family, values in figures.items()}
    best = min(means, key=lambda family: means[family])
    record = {
        'family': best,
        'measure': MEASURE,
        'molecules': len(rows),
        'crps': means,
        'crps_by_column': figures,
        'notes': notes,
    }
    return next(candidate for candidate in candidates if candidate.family == best), record


def _by_column(values: np.ndarray, columns: Sequence[Column]) -> dict[str, float]:
    """Return the mean of each column that has a value."""
    there = np.isfinite(values)
    return {
        str(column): float(values[mask, number].mean())
        for number, (column, mask) in enumerate(zip(columns, there.T, strict=True))
        if mask.any()
    }


def describe_choice(record: Mapping[str, Any]) -> str:
    """Return the record of a choice in one line."""
    figures = ', '.join(f'{family} {value:.3f}' for family, value in record['crps'].items())
    return '; '.join(
        [f'kept: {record["family"]} (calibrated CRPS in units of the spread: {figures})', *record['notes']]
    )


def calibrated_crps(moments: Moments, labels: np.ndarray) -> np.ndarray:
    """Return the CRPS of each label, the scale of its standard deviation taken from the other folds.

    :param labels: shape ``(molecules, targets)``; NaN where missing.
    :return: same shape, NaN where there is no label.
    """
    fold = np.arange(len(labels)) % FOLDS
    result = np.full(labels.shape, np.nan)
    for number in range(FOLDS):
        mine, others = fold == number, fold != number
        scale = sigma_scale(moments.mean[others], moments.sigma[others], labels[others])
        result[mine] = crps(moments.mean[mine], scale * moments.sigma[mine], labels[mine])
    return result


def why_unusable(candidate: Candidate, moments: Moments, labels: np.ndarray, parts: Parts) -> str | None:
    """Return why a model must not be used, None when it may.

    :param moments: of the candidate for the calibration part.
    """
    asked = candidate.moments(parts.train[:ASKED])
    numbers = (moments.mean, moments.sigma, asked.mean, asked.sigma)
    if not all(np.isfinite(item).all() for item in numbers):
        return 'its predictions are not finite'
    if (asked.mean.std(axis=0) < MIN_SPREAD).all():
        return 'it predicts the same for every molecule'
    if _worse_than_constant(moments, labels[parts.calibration]):
        return 'it predicts worse than the mean of the labels'
    return None


def _worse_than_constant(moments: Moments, labels: np.ndarray) -> bool:
    own = calibrated_crps(moments, labels)
    trivial = crps(np.zeros_like(labels), np.ones_like(labels), labels)
    difference = (own - trivial)[np.isfinite(own)]
    if len(difference) < 2:
        return False
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return bool(np.nanmean(own) > WORSE * np.nanmean(trivial) and difference.mean() > SIGNIFICANT * error)
