"""One number per family for a molecule: the optimistic values that a surrogate gives it, standardised and averaged."""

from collections.abc import Sequence

import numpy as np

from aiida_osc.active_learning.acquisition import optimistic
from aiida_osc.active_learning.columns import SA_COLUMN
from aiida_osc.active_learning.settings import Objective, SelectionSettings
from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.errors import OscError
from aiida_osc.surrogate.surrogate import Surrogate


class OptimisticCost:
    """Confidence bounds on the good side of the predictions, as costs in units of their spread over ``reference``."""

    def __init__(self, surrogate: Surrogate, settings: SelectionSettings, reference: Sequence[str]) -> None:
        """Score the reference molecules.

        :raises OscError: when the surrogate lacks a column of an objective.
        """
        self.surrogate, self.families, self.beta = surrogate, settings.families(), settings.beta
        self.scored = 0
        costs = self._costs(reference)
        self.centre = {name: np.nanmean(values, axis=0) for name, values in costs.items()}
        self.spread = {name: np.maximum(np.nanstd(values, axis=0), 1e-6) for name, values in costs.items()}

    def __call__(self, smiles: Sequence[str]) -> np.ndarray:
        """Return the cost of each molecule for each family, smaller is better; shape ``(molecules, families)``."""
        costs = self._costs(smiles)
        return np.column_stack(
            [((costs[name] - self.centre[name]) / self.spread[name]).mean(axis=1) for name in self.families]
        )

    def _costs(self, smiles: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the costs of the objectives of each family, shape ``(molecules, objectives)``."""
        self.scored += len(smiles)
        prediction = self.surrogate.predict(smiles, similarity=False)
        known = {
            column: (prediction.mean[:, place], prediction.sigma[:, place])
            for place, column in enumerate(prediction.columns)
        }
        known.setdefault(SA_COLUMN, (sa_scores(smiles), np.zeros(len(smiles))))
        wanted = {item.column for items in self.families.values() for item in items}
        missing = ', '.join(sorted(map(str, wanted - set(known))))
        if missing:
            raise OscError(f'the surrogate does not predict {missing}: train it on them, or change the objectives')
        return {
            name: np.column_stack([self._cost(item, *known[item.column]) for item in items])
            for name, items in self.families.items()
        }

    def _cost(self, objective: Objective, mean: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        return objective.cost(optimistic(objective, mean, sigma, self.beta))
