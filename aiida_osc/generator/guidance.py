"""Windows that molecules are wanted in: latent vectors are led there, and predictions are held against them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.generator.latents import Draw, LatentSource, within_shell

if TYPE_CHECKING:
    from aiida_osc.generator.generator import Generator

_STEPS = 30
#: Length of a step in units of the prior's standard deviation; smaller where the slope is small.
_STEP = 0.5
#: Share of a window's width, at most this many standard deviations, that is aimed for inside its bounds.
_INWARDS, _INWARDS_AT_MOST = 0.25, 0.25


@dataclass(frozen=True)
class Demand:
    """One family and its windows.

    :param heads: property heads, one per window.
    :param low, high: bounds in the units of the heads, shape ``(windows,)``.
    """

    family: str
    heads: tuple[int, ...]
    low: np.ndarray
    high: np.ndarray

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Return which molecules lie inside all windows, shape ``(molecules,)``.

        :param values: of all heads, shape ``(molecules, heads)``.
        """
        wanted = values[:, list(self.heads)]
        return np.asarray(((wanted >= self.low) & (wanted <= self.high)).all(axis=1))

    def draw(self, model: 'Generator', source: LatentSource, size: int, generator: torch.Generator, **how: Any) -> Draw:
        """Return latent vectors that are predicted near the windows.

        :param how: ``resample`` and ``norm_cap`` of the settings of sampling.
        """
        pool = source.draw(size * how['resample'], generator)
        values = model.predict(pool.latent)[:, list(self.heads)]
        miss = (np.maximum(self.low - values, 0) + np.maximum(values - self.high, 0)) / self._spread(model)
        nearest = pool.take(np.argsort(miss.sum(axis=1), kind='stable')[:size].tolist())
        return replace(nearest, latent=self.lead(model, nearest.latent, how['norm_cap']))

    def lead(self, model: 'Generator', latent: Tensor, norm_cap: float) -> Tensor:
        """Return the latent vectors after steps down the property heads' distance from the windows.

        Steps have a bounded length and end where the windows begin; the prior's shell is not left.
        """
        heads = list(self.heads)
        mean, spread = (part[heads] for part in model.normalisation())
        low, high = ((torch.from_numpy(side).float() - mean) / spread for side in (self.low, self.high))
        inwards = (_INWARDS * (high - low)).clamp(max=_INWARDS_AT_MOST)
        moving = latent.clone()
        for _ in range(_STEPS):
            moving.requires_grad_()
            values = model.network.predict(moving)[:, heads]
            miss = torch.relu(low + inwards - values) + torch.relu(values - high + inwards)
            (slope,) = torch.autograd.grad(miss.square().sum(), moving)
            length = slope.norm(dim=1, keepdim=True).clamp(min=1e-6)
            step = _STEP * slope / length.clamp(min=1.0)
            moving = within_shell((moving - step).detach(), latent, norm_cap)
        return moving

    def _spread(self, model: 'Generator') -> np.ndarray:
        return model.normalisation()[1][list(self.heads)].numpy()


def make_demands(
    columns: Sequence[Column], families: Mapping[str, Mapping[str, Sequence[float]]], *, lenient: bool = False
) -> list[Demand]:
    """Return the demands of families of windows.

    :param columns: of the property heads.
    :param families: windows by written column or target, per family.
    :param lenient: leave out windows without a head, and families without any window that has one.
    :raises OscError: when a window names no property head, or several.
    """
    demands = []
    for family, windows in families.items():
        heads = {name: _find(columns, name) for name in windows}
        wrong = [name for name, places in heads.items() if len(places) != 1]
        if wrong and not lenient:
            known = ', '.join(map(str, columns)) or 'none'
            raise OscError(
                f'window {wrong[0]!r} names {len(heads[wrong[0]])} property heads of this generator; it has: {known}'
            )
        bounds = {heads[name][0]: windows[name] for name in windows if name not in wrong}
        if bounds:
            low, high = np.array(list(bounds.values()), dtype=float).T
            demands.append(Demand(family, tuple(bounds), low, high))
    return demands


def _find(columns: Sequence[Column], name: str) -> list[int]:
    return [place for place, column in enumerate(columns) if name in (str(column), column.target)]
