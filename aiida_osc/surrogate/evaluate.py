"""How good the predictions of a surrogate are on labelled molecules."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.surrogate.metrics import CONFIDENCES, score
from aiida_osc.surrogate.prediction import Prediction

#: Groups of molecules whose figures are given apart, in this order.
GROUPS = ('all', 'common test split', 'other molecules', 'in domain', 'out of domain')


def score_columns(
    prediction: Prediction, labels: np.ndarray, rows: np.ndarray | None = None
) -> list[dict[str, float | None]]:
    """Return the figures of each target, as :func:`aiida_osc.surrogate.metrics.score` names them.

    :param labels: shape ``(molecules, targets)``; NaN where missing.
    :param rows: the molecules that count, all by default.
    """
    rows = np.arange(len(labels)) if rows is None else rows
    factors = {confidence: prediction.factors(confidence) for confidence in CONFIDENCES}
    return [
        score(
            prediction.mean[rows, target],
            prediction.sigma[rows, target],
            labels[rows, target],
            {confidence: values[target] for confidence, values in factors.items()},
        )
        for target in range(len(prediction.columns))
    ]


def labels_for(prediction: Prediction, table: MoleculeTable) -> np.ndarray:
    """Return the labels of ``table`` in the columns of the prediction, shape ``(molecules, targets)``.

    :raises OscError: when it has none in any of them.
    """
    labels = np.stack([table.values(column) for column in prediction.columns], axis=1)
    if not np.isfinite(labels).any():
        raise OscError(
            f'the model predicts {", ".join(map(str, prediction.columns))}, of which the molecules have no label '
            f'(they have {", ".join(map(str, table.columns)) or "none"}): give molecules with labels of these columns'
        )
    return labels


def evaluate(prediction: Prediction, table: MoleculeTable) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return the figures per written column and group of molecules; groups without a label are left out.

    :param table: the predicted molecules with their labels.
    :raises OscError: when there is no label in any column of the prediction.
    """
    labels = labels_for(prediction, table)
    test = np.array([in_common_test_split(key) for key in table.inchikeys], dtype=bool)
    everyone = np.ones(len(table), dtype=bool)
    members = (everyone, test, ~test, prediction.in_domain, ~prediction.in_domain)
    scores = {
        group: score_columns(prediction, labels, np.flatnonzero(mask))
        for group, mask in zip(GROUPS, members, strict=True)
    }
    return {
        str(column): {group: values[target] for group, values in scores.items() if values[target]['n']}
        for target, column in enumerate(prediction.columns)
    }
