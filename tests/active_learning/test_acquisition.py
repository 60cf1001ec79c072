"""The optimistic bound lies on the good side of the mean, whichever side that is."""

import numpy as np

from aiida_osc.active_learning.acquisition import costs, optimistic, optimistic_values
from aiida_osc.active_learning.settings import Objective, default_column
from aiida_osc.datasets.molecule_table import MoleculeTable

IE = Objective.from_dict({'target': 'ie_adiabatic', 'direction': 'min'})
EA = Objective.from_dict({'target': 'ea_adiabatic', 'direction': 'max'})
SA = Objective.from_dict({'target': 'sa_score', 'direction': 'min'})


def test_uncertainty_helps_in_both_directions():
    mean, sigma = np.array([6.0, 6.0]), np.array([0.1, 0.5])
    np.testing.assert_allclose(optimistic(IE, mean, sigma, 2.0), [5.8, 5.0])
    np.testing.assert_allclose(optimistic(EA, mean, sigma, 2.0), [6.2, 7.0])
    for objective in (IE, EA):
        values = optimistic(objective, mean, sigma, 2.0)
        certain, uncertain = objective.cost(values)
        assert uncertain < certain


def test_beta_zero_is_greedy():
    mean = np.array([1.0, 2.0])
    np.testing.assert_array_equal(optimistic(IE, mean, np.ones(2), 0.0), mean)


def test_a_column_without_sigma_is_exact():
    keys = {'ie_adiabatic': [6.0, 5.0], 'sa_score': [2.0, 3.0]}
    mean = MoleculeTable(
        ('C', 'CC'), ('A', 'B'), ('x', 'x'), {default_column(name): np.array(v) for name, v in keys.items()}
    )
    sigma = MoleculeTable(('C', 'CC'), ('A', 'B'), ('x', 'x'), {IE.column: np.array([0.5, 1.0])})
    np.testing.assert_allclose(optimistic_values(mean, sigma, (IE, SA), 1.0), [[5.5, 2.0], [4.0, 3.0]])


def test_nothing_is_better_than_the_goal():
    goal = Objective.from_dict({'target': 'ea_adiabatic', 'direction': 'max', 'goal': 3.0})
    np.testing.assert_allclose(costs(np.array([[2.0], [3.0], [5.0]]), (goal,)), [[-2.0], [-3.0], [-3.0]])
