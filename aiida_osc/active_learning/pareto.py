"""Non-dominated fronts, crowding and hypervolume; every objective is minimised."""

from collections.abc import Sequence

import moocore
import numpy as np


def front_ranks(costs: np.ndarray) -> np.ndarray:
    """Return the front of each point, 0 for the non-dominated ones; equal points share a front.

    :param costs: finite values, shape ``(points, objectives)``, smaller is better.
    """
    if costs.shape[1] == 1:  # one objective: each distinct value is a front of its own
        return np.unique(costs[:, 0], return_inverse=True)[1]
    if not len(costs):
        return np.zeros(0, dtype=int)
    return np.asarray(moocore.pareto_rank(costs), dtype=int)


def crowding_distance(costs: np.ndarray) -> np.ndarray:
    """Return the crowding distance of the points of one front (Deb et al. 2002, doi 10.1109/4235.996017).

    :param costs: shape ``(points, objectives)``.
    :return: shape ``(points,)``, infinite for the ends of each objective.
    """
    distance = np.zeros(len(costs))
    for values in costs.T:
        order = np.argsort(values, kind='stable')
        span = values[order[-1]] - values[order[0]] if len(values) else 0.0
        if span <= 0:  # an objective in which all are equal says nothing about crowding
            continue
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / span
    return distance


def ranking(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order in which points are taken, front by front and the least crowded first, and their fronts.

    :param costs: shape ``(points, objectives)``.
    :return: indices, shape ``(points,)``, and the front of each point, shape ``(points,)``.
    """
    ranks = front_ranks(costs)
    crowding = np.zeros(len(costs))
    for rank in np.unique(ranks):
        members = ranks == rank
        crowding[members] = crowding_distance(costs[members])
    return np.lexsort((-crowding, ranks)), ranks


def hypervolume(costs: np.ndarray, ideal: Sequence[float], reference: Sequence[float]) -> float:
    """Return the volume that the points dominate, in units of the box between ``ideal`` and ``reference``.

    :param costs: finite values, shape ``(points, objectives)``; points beyond ``reference`` count nothing.
    :param ideal: corner that fixes the unit of each axis; points beyond it make the result exceed 1.
    """
    low, high = np.asarray(ideal, dtype=float), np.asarray(reference, dtype=float)
    inside = costs[(costs < high).all(axis=1)] if len(costs) else costs
    if not len(inside):
        return 0.0
    scaled = (inside - low) / (high - low)
    if scaled.shape[1] == 1:
        return float(1.0 - scaled.min())
    return float(moocore.hypervolume(scaled, ref=np.ones(len(high))))
