"""Coverage and matching of sets of conformers (doi 10.48550/arXiv.2106.07802), from matrices of deviations."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def coverage(matrices: Sequence[np.ndarray], thresholds: Sequence[float]) -> dict[str, Any]:
    """Return coverage (COV) and average minimum deviation (AMR), averaged over molecules.

    Recall asks of each reference whether a generated structure is near, precision of each generated structure whether
    a reference is near. Molecules without a generated structure have a recall of 0, and no other figure.

    :param matrices: deviations in Angstrom of each molecule, shape ``(generated, references)``.
    :param thresholds: in Angstrom.
    :returns: ``amr_recall``, ``amr_precision`` and under ``coverage`` recall and precision at each threshold; None
        where no molecule has a generated structure.
    """
    filled = [matrix for matrix in matrices if matrix.size]
    table = [
        {
            'threshold': float(limit),
            'recall': mean_or_none([(m.min(axis=0) < limit).mean() if m.size else 0.0 for m in matrices]),
            'precision': mean_or_none([(m.min(axis=1) < limit).mean() for m in filled]),
        }
        for limit in thresholds
    ]
    return {
        'amr_recall': mean_or_none([matrix.min(axis=0).mean() for matrix in filled]),
        'amr_precision': mean_or_none([matrix.min(axis=1).mean() for matrix in filled]),
        'coverage': table,
    }


def mean_or_none(values: Sequence[float] | np.ndarray) -> float | None:
    """Return the mean as a plain number, None of nothing."""
    return float(np.mean(values)) if len(values) else None


def median_or_none(values: Sequence[float] | np.ndarray) -> float | None:
    """Return the median as a plain number, None of nothing."""
    return float(np.median(values)) if len(values) else None
