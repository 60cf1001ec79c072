"""Fronts, crowding and hypervolume against brute force and numbers worked out by hand."""

import numpy as np
import pytest

from aiida_osc.active_learning.pareto import crowding_distance, front_ranks, hypervolume, ranking


def brute_force_ranks(costs):
    ranks, left, rank = np.full(len(costs), -1), set(range(len(costs))), 0
    while left:
        front = {i for i in left if not any((costs[j] <= costs[i]).all() and (costs[j] < costs[i]).any() for j in left)}
        ranks[list(front)] = rank
        left, rank = left - front, rank + 1
    return ranks


@pytest.mark.parametrize('objectives', [1, 2, 3, 4])
@pytest.mark.parametrize('seed', range(4))
def test_front_ranks_equal_brute_force(objectives, seed):
    # small integers make ties and duplicates frequent
    costs = np.random.default_rng(seed).integers(0, 6, (60, objectives)).astype(float)
    np.testing.assert_array_equal(front_ranks(costs), brute_force_ranks(costs))


def test_no_points_have_no_front():
    assert front_ranks(np.zeros((0, 3))).shape == (0,)
    assert front_ranks(np.zeros((0, 1))).shape == (0,)
    assert crowding_distance(np.zeros((0, 2))).shape == (0,)


def test_crowding_of_a_line_by_hand():
    # ends infinite; (1, 3): (2 - 0)/4 + (4 - 2)/4 = 1; (2, 2): (4 - 1)/4 + (3 - 0)/4 = 1.5
    costs = np.array([[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [4.0, 0.0]])
    np.testing.assert_allclose(crowding_distance(costs), [np.inf, 1.0, 1.5, np.inf])


def test_an_objective_in_which_all_are_equal_is_ignored():
    costs = np.array([[0.0, 7.0], [1.0, 7.0], [4.0, 7.0]])
    np.testing.assert_allclose(crowding_distance(costs), [np.inf, 1.0, np.inf])


def test_ranking_goes_front_by_front_and_least_crowded_first():
    front = [[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [4.0, 0.0]]
    order, ranks = ranking(np.array([[5.0, 5.0], *front]))
    assert ranks.tolist() == [1, 0, 0, 0, 0]
    assert order.tolist() == [1, 4, 3, 2, 0]


@pytest.mark.parametrize('objectives', [1, 2, 3])
def test_hypervolume_equals_a_count_on_a_grid(objectives):
    rng = np.random.default_rng(objectives)
    points = rng.integers(0, 12, (15, objectives)).astype(float)
    grid = np.stack(np.meshgrid(*[np.arange(10) + 0.5] * objectives), axis=-1).reshape(-1, objectives)
    dominated = (points[:, None, :] <= grid[None]).all(axis=2).any(axis=0).mean()
    assert hypervolume(points, [0.0] * objectives, [10.0] * objectives) == pytest.approx(dominated, abs=1e-12)


def test_points_beyond_the_reference_count_nothing():
    assert hypervolume(np.array([[11.0, 0.0]]), [0, 0], [10, 10]) == 0.0
    assert hypervolume(np.zeros((0, 2)), [0, 0], [10, 10]) == 0.0


def test_points_beyond_the_ideal_make_more_than_one():
    assert hypervolume(np.array([[-10.0, 0.0]]), [0, 0], [10, 10]) == pytest.approx(2.0)
