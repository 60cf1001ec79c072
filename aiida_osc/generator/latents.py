"""Where latent vectors come from, and which molecules are their parents."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.errors import OscError
from aiida_osc.generator.sample_settings import AROUND, ASCENT, BETWEEN, PRIOR, SampleSettings

if TYPE_CHECKING:
    from aiida_osc.generator.generator import Generator

_SHOWN = 3


@dataclass(frozen=True)
class Draw:
    """Latent vectors of shape ``(count, latent)``; for each how it was made, and the SMILES it was made from."""

    latent: Tensor
    how: Sequence[str]
    parents: Sequence[tuple[str, ...]]

    def take(self, rows: Sequence[int]) -> 'Draw':
        """Return the given rows."""
        how, parents = ([part[row] for row in rows] for part in (self.how, self.parents))
        return Draw(self.latent[torch.tensor(rows, dtype=torch.long)], how, parents)  # type: ignore[arg-type]

    @classmethod
    def join(cls, parts: Sequence['Draw']) -> 'Draw':
        """Return the rows of all parts."""
        latent = torch.cat([part.latent for part in parts])
        return cls(latent, [x for part in parts for x in part.how], [x for part in parts for x in part.parents])


class LatentSource(Protocol):
    """Draws latent vectors and hears what became of them."""

    #: Whether the source learns which molecules are the best; then more are made than are handed out.
    ranks: bool

    def draw(self, size: int, generator: torch.Generator) -> Draw:
        """Return new latent vectors."""

    def learn(self, smiles: Sequence[str]) -> None:
        """Take in the molecules that were kept of the last draw."""

    def best(self, smiles: Sequence[str], count: int) -> list[int]:
        """Return the places of the molecules to hand out."""


class _Blind:
    """A source that learns nothing from what it found."""

    ranks = False

    def learn(self, smiles: Sequence[str]) -> None:
        """Take no notice."""

    def best(self, smiles: Sequence[str], count: int) -> list[int]:
        """Return the first ones."""
        return list(range(min(count, len(smiles))))


@dataclass(frozen=True)
class Anchors:
    """Known molecules to start from.

    :param latent: their mean latent vectors, shape ``(molecules, latent)``.
    :param left_out: SMILES -> why it cannot be encoded.
    """

    smiles: tuple[str, ...]
    latent: Tensor
    left_out: dict[str, str] = field(default_factory=dict)


class Prior(_Blind):
    """Draws from the standard normal distribution."""

    def __init__(self, latent: int) -> None:
        """Keep the number of latent dimensions."""
        self.latent = latent

    def draw(self, size: int, generator: torch.Generator) -> Draw:
        """Return vectors without parents."""
        return Draw(torch.randn(size, self.latent, generator=generator), [PRIOR] * size, [()] * size)


class Around(_Blind):
    """Moves the latent vectors of known molecules by ``noise`` times ``spread``, per dimension."""

    def __init__(self, anchors: Anchors, spread: Tensor, noise: float) -> None:
        """Keep the parts."""
        self.anchors, self.move = anchors, noise * spread

    def draw(self, size: int, generator: torch.Generator) -> Draw:
        """Return vectors with one parent each."""
        noise = torch.randn(size, len(self.move), generator=generator)
        picks = torch.randint(len(self.anchors.smiles), (size,), generator=generator)
        parents = [(self.anchors.smiles[pick],) for pick in picks.tolist()]
        return Draw(self.anchors.latent[picks] + self.move * noise, [AROUND] * size, parents)


class Between(_Blind):
    """Points on the arcs between pairs of known molecules, moved like those of :class:`Around`."""

    def __init__(self, anchors: Anchors, spread: Tensor, noise: float) -> None:
        """Keep the parts.

        :raises OscError: when there are fewer than two molecules.
        """
        if len(anchors.smiles) < 2:
            raise OscError('sampling between molecules needs two at least that can be encoded')
        self.anchors, self.move = anchors, noise * spread

    def draw(self, size: int, generator: torch.Generator) -> Draw:
        """Return vectors with two parents each."""
        count = len(self.anchors.smiles)
        first = torch.randint(count, (size,), generator=generator)
        second = (first + torch.randint(1, count, (size,), generator=generator)) % count
        share = torch.rand(size, 1, generator=generator)
        noise = torch.randn(size, len(self.move), generator=generator)
        latent = on_arc(self.anchors.latent[first], self.anchors.latent[second], share) + self.move * noise
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        parents = [(self.anchors.smiles[one], self.anchors.smiles[other]) for one, other in pairs]
        return Draw(latent, [BETWEEN] * size, parents)


class Mixed(_Blind):
    """Two sources in equal shares."""

    def __init__(self, even: LatentSource, odd: LatentSource) -> None:
        """Keep the sources."""
        self.even, self.odd = even, odd

    def draw(self, size: int, generator: torch.Generator) -> Draw:
        """Return vectors of both sources in turn."""
        half = size // 2
        both = Draw.join([self.even.draw(size - half, generator), self.odd.draw(half, generator)])
        return both.take([row // 2 + (row % 2) * (size - half) for row in range(size)])


def make_source(model: 'Generator', settings: SampleSettings, anchors: Anchors | None) -> LatentSource:
    """Return the source of a strategy that needs the generator alone.

    :param anchors: what to start from, where the strategy is not the prior.
    """
    prior = Prior(model.network.latent)
    if anchors is None:
        return prior
    if settings.strategy == ASCENT:
        raise OscError('an ascent needs a surrogate that scores molecules: give one, or take another strategy')
    spread = torch.tensor(model.config['extra']['spread'], dtype=torch.float32)
    if settings.strategy == BETWEEN:
        return Between(anchors, spread, settings.noise)
    around = Around(anchors, spread, settings.noise)
    return around if settings.strategy == AROUND else Mixed(prior, around)


def find_anchors(model: 'Generator', smiles: Sequence[str]) -> Anchors:
    """Return the molecules that the generator can encode.

    :raises OscError: when there is none, with the reasons.
    """
    places, latent = model.encode_known(smiles)
    kept = set(places)
    left_out = {text: _why_not(model, text) for place, text in enumerate(smiles) if place not in kept}
    if not places:
        reasons = '; '.join(f'{text}: {why}' for text, why in list(left_out.items())[:_SHOWN]) or 'none is given'
        raise OscError(
            f'none of the molecules to sample around can be encoded ({reasons}): sample from the prior instead'
        )
    return Anchors(tuple(smiles[place] for place in places), latent, left_out)


def on_arc(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Return points between vectors, whose length changes evenly from that of one to that of the other.

    Straight lines lead through the empty middle of a normal distribution in many dimensions; arcs do not.

    :param share: 0 for the first, 1 for the second; shape ``(count, 1)``.
    """
    lengths = [part.norm(dim=1, keepdim=True).clamp(min=1e-6) for part in (first, second)]
    straight = (1 - share) * first / lengths[0] + share * second / lengths[1]
    length = (1 - share) * lengths[0] + share * lengths[1]
    return straight / straight.norm(dim=1, keepdim=True).clamp(min=1e-6) * length


def within_shell(latent: Tensor, start: Tensor, norm_cap: float) -> Tensor:
    """Return ``latent`` drawn in to ``norm_cap`` times the prior's radius, or to where it started further out.

    :param start: vectors before the step, shape ``(count, latent)`` like ``latent``.
    """
    limit = start.norm(dim=1, keepdim=True).clamp(min=norm_cap * latent.shape[1] ** 0.5)
    return latent * (limit / latent.norm(dim=1, keepdim=True).clamp(min=1e-6)).clamp(max=1.0)


def _why_not(model: 'Generator', smiles: str) -> str:
    try:
        model.encode([smiles])
    except MoleculeError as exception:
        return str(exception)
    return 'cannot be encoded'
