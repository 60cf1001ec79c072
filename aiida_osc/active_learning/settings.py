"""What a campaign looks for: objectives per family, and the windows that promote a molecule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE, XTB_LEVELS
from aiida_osc.settings import Settings
from aiida_osc.targets import get_target

DIRECTIONS = ('min', 'max')
DEFAULT_OBJECTIVES: dict[str, list[dict[str, Any]]] = {
    'p_type': [
        {'target': 'ie_adiabatic', 'direction': 'min'},
        {'target': 'lambda_hole', 'direction': 'min'},
        {'target': 'sa_score', 'direction': 'min'},
    ],
    'n_type': [
        {'target': 'ea_adiabatic', 'direction': 'max'},
        {'target': 'lambda_electron', 'direction': 'min'},
        {'target': 'sa_score', 'direction': 'min'},
    ],
}


def default_column(target: str, level: str | None = None) -> Column:
    """Return the column of ``target`` at ``level``, at the xTB engine's own level by default.

    :raises OscError: when the target is unknown or has no default level.
    """
    get_target(target)
    chosen = level or (SA_SCORE if target == 'sa_score' else XTB_LEVELS.get(target))
    if chosen is None:
        raise OscError(f'target {target!r} has no default level: add a key "level"')
    return Column(target, chosen)


@dataclass(frozen=True)
class Objective:
    """One direction of improvement.

    :param goal: value that is good enough, in the unit of the column: what lies beyond it counts as no better.
    """

    column: Column
    direction: str
    goal: float | None = None

    def __post_init__(self) -> None:
        """Check the direction.

        :raises OscError: when it is neither ``min`` nor ``max``.
        """
        if self.direction not in DIRECTIONS:
            raise OscError(f'direction {self.direction!r} of {self.column.target}: use min or max')

    @property
    def sign(self) -> float:
        """Return 1 for a minimised, -1 for a maximised objective."""
        return 1.0 if self.direction == 'min' else -1.0

    def cost(self, values: np.ndarray) -> np.ndarray:
        """Return ``values`` as a cost: smaller is better, and nothing is better than the goal; same shape."""
        costs = self.sign * values
        return costs if self.goal is None else np.maximum(costs, self.sign * self.goal)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Objective':
        """Return the objective written as ``{target, direction[, level, goal]}``.

        :raises OscError: when a key is unknown or missing.
        """
        unknown = sorted(set(values) - {'target', 'direction', 'level', 'goal'})
        if unknown or not {'target', 'direction'} <= set(values):
            raise OscError(f'objective {dict(values)}: give target and direction, and level or goal if need be')
        goal = values.get('goal')
        column = default_column(values['target'], values.get('level'))
        return cls(column, values['direction'], None if goal is None else float(goal))


@dataclass(frozen=True)
class Budget(Settings):
    """When a campaign ends.

    :param iterations: rounds of the loop at the most.
    :param molecules: molecules computed at the most; a random control comes on top.
    :param generator_every: iterations from one retraining of the generator to the next; 0 for never.
    """

    iterations: int
    molecules: int
    generator_every: int

    def __post_init__(self) -> None:
        """Check the values.

        :raises OscError: when one is out of range.
        """
        for name, lowest in (('iterations', 1), ('molecules', 1), ('generator_every', 0)):
            if getattr(self, name) < lowest:
                raise OscError(f'budget.{name} is {getattr(self, name)}: give a whole number of at least {lowest}')


@dataclass(frozen=True)
class SelectionSettings(Settings):
    """How a batch is chosen.

    :param size: molecules of a batch.
    :param beta: weight of the standard deviation in the optimistic value; 0 is greedy.
    :param tanimoto_cap: largest Morgan Tanimoto similarity between two molecules of a batch; 1 for no cap.
    :param control: also draw as many molecules at random, to measure what the selection is worth.
    :param objectives: objectives per family.
    """

    size: int = 12
    beta: float = 1.0
    tanimoto_cap: float = 0.6
    control: bool = False
    objectives: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: DEFAULT_OBJECTIVES)

    def __post_init__(self) -> None:
        """Check the values.

        :raises OscError: when one is out of range.
        """
        if self.size < 1:
            raise OscError(f'selection.size is {self.size}: a batch needs at least one molecule')
        if self.beta < 0:
            raise OscError(f'selection.beta is {self.beta}: use 0 (greedy) or a positive number')
        if not 0 < self.tanimoto_cap <= 1:
            raise OscError(f'selection.tanimoto_cap is {self.tanimoto_cap}: use a number above 0, at most 1')
        if not self.objectives or not all(self.objectives.values()):
            raise OscError('selection.objectives is empty: name at least one family with one objective')

    def families(self) -> dict[str, tuple[Objective, ...]]:
        """Return the objectives of each family, families in alphabetical order.

        :raises OscError: when an objective is wrong.
        """
        return {
            name: tuple(Objective.from_dict(item) for item in self.objectives[name]) for name in sorted(self.objectives)
        }


@dataclass(frozen=True)
class Windows:
    """Promotion rule of one family: closed windows per column, and the energy scale they are meant on."""

    scale: str
    bounds: dict[Column, tuple[float, float]]

    @classmethod
    def from_dict(cls, family: str, values: Mapping[str, Any]) -> 'Windows':
        """Return the rule written as ``{scale, windows: {target: [low, high]}[, levels: {target: level}]}``.

        :raises OscError: when the scale is not named, a key is unknown or a window is no pair of numbers.
        """
        unknown = sorted(set(values) - {'scale', 'windows', 'levels'})
        if unknown:
            raise OscError(f'promotion.{family}: unknown keys {", ".join(unknown)}: use scale, windows, levels')
        scale = values.get('scale')
        if not isinstance(scale, str) or not scale.strip():
            raise OscError(f'promotion.{family} names no scale: give "gas phase" or the scale its windows are meant on')
        if not values.get('windows'):
            raise OscError(f'promotion.{family} has no windows: give {{target: [low, high]}}')
        levels = values.get('levels') or {}
        bounds = {
            default_column(target, levels.get(target)): _window(family, target, pair)
            for target, pair in values['windows'].items()
        }
        return cls(scale, bounds)


def _window(family: str, target: str, pair: Any) -> tuple[float, float]:
    """Return the checked window."""
    try:
        low, high = (float(item) for item in pair)
    except (TypeError, ValueError):
        raise OscError(f'promotion.{family}.{target} is {pair!r}: give [low, high]') from None
    if not low <= high:
        raise OscError(f'promotion.{family}.{target} is {pair!r}: the first number must be the smaller one')
    return low, high


def promotion_rules(values: Mapping[str, Any]) -> dict[str, Windows]:
    """Return the rule of each family, families in alphabetical order.

    :raises OscError: when there is none or one is wrong.
    """
    if not values:
        raise OscError('promotion is empty: name at least one family with its scale and windows')
    return {family: Windows.from_dict(family, values[family]) for family in sorted(values)}
