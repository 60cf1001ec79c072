"""Optimistic values: what a molecule may be worth, given the surrogate's mean and standard deviation."""

from collections.abc import Sequence

import numpy as np

from aiida_osc.active_learning.settings import Objective
from aiida_osc.datasets.molecule_table import MoleculeTable


def optimistic(objective: Objective, mean: np.ndarray, sigma: np.ndarray, beta: float) -> np.ndarray:
    """Return the confidence bound on the good side of the mean, in the unit of the column.

    ``mean - beta sigma`` where the objective is minimised, ``mean + beta sigma`` where it is maximised.

    :param mean: shape ``(count,)``.
    :param sigma: standard deviations, shape ``(count,)``.
    :param beta: weight of the standard deviation.
    """
    return mean - objective.sign * beta * sigma


def optimistic_values(
    mean: MoleculeTable, sigma: MoleculeTable, objectives: Sequence[Objective], beta: float
) -> np.ndarray:
    """Return the optimistic value of every molecule and objective, shape ``(molecules, objectives)``.

    A column that the model does not predict (such as the synthetic accessibility) is exact: its sigma is 0.
    """
    columns = [item.column for item in objectives]
    sigmas = [sigma.values(key) if key in sigma.columns else np.zeros(len(mean)) for key in columns]
    return np.column_stack(
        [
            optimistic(item, mean.values(item.column), spread, beta)
            for item, spread in zip(objectives, sigmas, strict=True)
        ]
    )


def costs(values: np.ndarray, objectives: Sequence[Objective]) -> np.ndarray:
    """Return ``values`` turned so that every objective is minimised; both of shape ``(molecules, objectives)``."""
    return np.column_stack([item.cost(values[:, i]) for i, item in enumerate(objectives)])
