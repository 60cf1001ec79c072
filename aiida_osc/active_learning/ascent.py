"""Ascent in latent space: the molecules that a surrogate scores best are the parents of the next latent vectors."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from aiida_osc.generator.generator import Generator
from aiida_osc.generator.latents import Anchors, Draw, on_arc, within_shell
from aiida_osc.generator.sample_settings import ASCENT, SampleSettings
from aiida_osc.generator.weights import rank_weights

#: Parents kept per family.
_PARENTS = 100
#: See :func:`~aiida_osc.generator.weights.rank_weights`.
_SOFTNESS = 0.2
#: Children move by this share of ``noise``: they are to be like their parents.
_STEP = 0.5
#: Share of the latent vectors with two parents.
_CROSSED = 0.5


class LatentAscent:
    """A source whose parents get better from round to round; families take turns.

    Molecules are scored after decoding, so that what climbs is a molecule and not a latent vector that stands for none.
    """

    ranks = True

    def __init__(
        self,
        model: Generator,
        anchors: Anchors,
        score: Callable[[Sequence[str]], np.ndarray],
        settings: SampleSettings,
    ) -> None:
        """Score the first parents.

        :param score: costs of shape ``(molecules, families)``, smaller is better.
        """
        self.model, self.score, self.norm_cap = model, score, settings.norm_cap
        self.move = _STEP * settings.noise * torch.tensor(model.config['extra']['spread'], dtype=torch.float32)
        self.cost_of: dict[str, np.ndarray] = {}
        self.smiles, self.latent = list(anchors.smiles), anchors.latent
        self.costs = score(anchors.smiles)
        self._keep_best()

    def draw(self, size: int, generator: torch.Generator) -> Draw:
        """Return vectors near a parent, or near the arc between two."""
        families = self.costs.shape[1]
        picks = torch.zeros(size, 2, dtype=torch.long)
        for family in range(min(families, size)):
            rows = torch.arange(family, size, families)
            order = np.argsort(self.costs[:, family], kind='stable')[:_PARENTS]
            weights = torch.from_numpy(rank_weights(np.arange(len(order)), _SOFTNESS))
            drawn = torch.multinomial(weights, 2 * len(rows), replacement=True, generator=generator).reshape(-1, 2)
            picks[rows] = torch.from_numpy(order.copy())[drawn]
        crossed = torch.rand(size, generator=generator) < _CROSSED
        picks[:, 1] = torch.where(crossed, picks[:, 1], picks[:, 0])
        first, second = self.latent[picks[:, 0]], self.latent[picks[:, 1]]
        start = on_arc(first, second, torch.rand(size, 1, generator=generator))
        moved = start + self.move * torch.randn(start.shape, generator=generator)
        parents = [tuple(dict.fromkeys(self.smiles[pick] for pick in pair)) for pair in picks.tolist()]
        return Draw(within_shell(moved, start, self.norm_cap), [ASCENT] * size, parents)

    def learn(self, smiles: Sequence[str]) -> None:
        """Score the molecules and take the best among the parents."""
        if not smiles:
            return
        costs = self.score(smiles)
        self.cost_of |= dict(zip(smiles, costs, strict=True))
        places, latent = self.model.encode_known(smiles)
        self.smiles += [smiles[place] for place in places]
        self.latent = torch.cat([self.latent, latent])
        self.costs = np.concatenate([self.costs, costs[places]])
        self._keep_best()

    def best(self, smiles: Sequence[str], count: int) -> list[int]:
        """Return the places of the molecules with the least costs, the families in turn."""
        if not smiles:
            return []
        costs = np.array([self.cost_of[text] for text in smiles])
        turns = np.argsort(costs, axis=0, kind='stable').ravel().tolist()
        return list(dict.fromkeys(turns))[:count]

    def _keep_best(self) -> None:
        kept = np.unique(np.argsort(self.costs, axis=0, kind='stable')[:_PARENTS])
        self.smiles = [self.smiles[row] for row in kept]
        self.latent, self.costs = self.latent[torch.from_numpy(kept)], self.costs[kept]
