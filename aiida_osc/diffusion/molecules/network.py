"""The denoiser: an equivariant network on all pairs of atoms, told the molecule and the handedness of its centres.

Atoms move along the lines between them, as in doi 10.48550/arXiv.2102.09844, so a rotated input gives the rotated
output. Lines alone cannot tell a molecule from its mirror image: at stereocentres, atoms also move across the plane of
two neighbours, to the side that the sign of the centre names.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from aiida_osc.diffusion.molecules.batches import GraphBatch
from aiida_osc.diffusion.molecules.features import ATOM_FEATURES, PAIR_FEATURES, unpack

#: Centres (Angstrom) and inverse widths of the functions that distances are expanded in.
_CENTRES = (0.0, 0.5, 0.9, 1.1, 1.3, 1.5, 1.8, 2.1, 2.4, 2.7, 3.1, 3.6, 4.2, 5.0, 6.0, 8.0)
_TIMES = 16
#: Untrained layers leave the atoms nearly where they are: layers upon layers of large moves are hard to unlearn.
_QUIET = 0.05


@dataclass(frozen=True)
class Encoded:
    """What the network knows before it sees coordinates.

    :param atoms: shape ``(batch, nodes, hidden)``.
    :param pairs: shape ``(batch, nodes, nodes, pair)``.
    :param real: 1 where both atoms are there and differ, else 0; shape ``(batch, nodes, nodes, 1)``.
    """

    atoms: Tensor
    pairs: Tensor
    real: Tensor


class ConformerNetwork(nn.Module):
    """Predict the structure of a molecule from a noisy one."""

    centres: Tensor
    widths: Tensor
    frequencies: Tensor

    def __init__(self, hidden: int, pair: int, layers: int) -> None:
        """Make the layers.

        :param hidden: width of the atoms' vectors.
        :param pair: width of the pairs' vectors.
        """
        super().__init__()
        self.atom_tables = nn.ModuleDict({name: nn.Embedding(n, hidden) for name, n in ATOM_FEATURES.items()})
        self.pair_tables = nn.ModuleDict({name: nn.Embedding(n, pair) for name, n in PAIR_FEATURES.items()})
        self.time = nn.Sequential(nn.Linear(_TIMES, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.context = nn.ModuleList([_Layer(hidden, pair, moves=False) for _ in range(2)])
        self.layers = nn.ModuleList([_Layer(hidden, pair, moves=True) for _ in range(layers)])
        self.turns = nn.ModuleList([_Turn(hidden, pair) for _ in range(layers)])
        centres = torch.tensor(_CENTRES)
        self.register_buffer('centres', centres, persistent=False)
        self.register_buffer('widths', 1.0 / (0.25 + 0.15 * centres), persistent=False)
        self.register_buffer('frequencies', torch.pi * torch.arange(_TIMES), persistent=False)

    def encode(self, batch: GraphBatch) -> Encoded:
        """Return what does not depend on coordinates or time: computed once for all steps of a sampler."""
        atoms = sum(table(batch.atoms[..., place]) for place, table in enumerate(self.atom_tables.values()))
        real = batch.mask[:, :, None] & batch.mask[:, None, :]
        real = (real & ~torch.eye(real.shape[1], dtype=torch.bool, device=real.device)).unsqueeze(-1)
        encoded = Encoded(atoms, self._embed_pairs(batch.pairs), real.to(atoms.dtype))
        for layer in self.context:
            atoms, pairs, _ = layer(encoded.atoms, encoded.pairs, encoded.real, None)
            encoded = Encoded(atoms, pairs, encoded.real)
        return encoded

    def forward(self, batch: GraphBatch, positions: Tensor, times: Tensor, encoded: Encoded | None = None) -> Tensor:
        """Return the predicted structures around their centres, shape ``(batch, nodes, 3)``, zero where padded.

        :param positions: noisy structures in Angstrom, shape ``(batch, nodes, 3)``.
        :param times: 0 for data, 1 for noise, shape ``(batch,)``.
        :param encoded: result of :meth:`encode` for the same batch.
        """
        known = self.encode(batch) if encoded is None else encoded
        mask = batch.mask.unsqueeze(-1).to(positions.dtype)
        moments = self.time(torch.cos(times[:, None] * self.frequencies))
        atoms, pairs = known.atoms + moments[:, None], known.pairs
        for layer, turn in zip(self.layers, self.turns, strict=True):
            lines = positions[:, :, None] - positions[:, None]
            lengths = torch.sqrt(lines.square().sum(dim=-1, keepdim=True) + 1e-8)
            expanded = torch.exp(-((lengths - self.centres) * self.widths).square())
            atoms, pairs, pull = layer(atoms, pairs, known.real, expanded)
            moved = (pull * lines / (lengths + 1.0)).sum(dim=2)
            positions = (positions + moved) * mask
            if len(batch.signs):
                positions = positions + turn(atoms, positions, batch)
        return (positions - (positions * mask).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True)) * mask

    def _embed_pairs(self, codes: Tensor) -> Tensor:
        every = torch.arange(_codes(), device=codes.device)
        table = sum(self.pair_tables[name](values) for name, values in unpack(every).items())
        return functional.embedding(codes, table)


class _Layer(nn.Module):
    """One round of messages over all pairs."""

    def __init__(self, hidden: int, pair: int, *, moves: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.ends = nn.Linear(hidden, 2 * pair)
        self.mix = nn.Linear(pair, pair)
        self.update = nn.Sequential(nn.Linear(hidden + pair, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        if moves:
            self.expand = nn.Linear(len(_CENTRES), pair, bias=False)
            self.pull = _quiet(nn.Linear(pair, 1, bias=False))

    def forward(
        self, atoms: Tensor, pairs: Tensor, real: Tensor, expanded: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return new atoms and pairs, and how much each atom is pulled along the line from each other one."""
        normed = self.norm(atoms)
        here, there = self.ends(normed).chunk(2, dim=-1)
        message = here[:, :, None] + there[:, None] + pairs
        if expanded is not None:
            message = message + self.expand(expanded)
        message = functional.silu(self.mix(functional.silu(message))) * real
        atoms = atoms + self.update(torch.cat([normed, message.sum(dim=2) * 0.1], dim=-1))
        pull = None if expanded is None else self.pull(message)
        return atoms, pairs + message, pull


class _Turn(nn.Module):
    """How the atoms around stereocentres move across the planes of their neighbours."""

    def __init__(self, hidden: int, pair: int) -> None:
        super().__init__()
        self.gates = nn.Sequential(nn.Linear(hidden + 1, pair), nn.SiLU(), _quiet(nn.Linear(pair, 4)))

    def forward(self, atoms: Tensor, positions: Tensor, batch: GraphBatch) -> Tensor:
        """Return the moves of all atoms, shape ``(batch, nodes, 3)``."""
        places = positions.flatten(0, 1)
        centre, *around = batch.centres.unbind(dim=1)
        a, b, c = (functional.normalize(places[item] - places[centre], dim=-1, eps=1e-2) for item in around)
        volume = batch.signs[:, None] * (torch.linalg.cross(a, b) * c).sum(dim=-1, keepdim=True)
        gates = self.gates(torch.cat([atoms.flatten(0, 1)[centre], volume], dim=-1)) * batch.signs[:, None]
        across = [torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)]
        moved = torch.zeros_like(places)
        for place, gate, vector in zip(around, gates[:, :3].unbind(dim=1), across, strict=True):
            moved = moved.index_add(0, place, gate[:, None] * vector)
        moved = moved.index_add(0, centre, gates[:, 3:] * sum(across))
        return moved.view_as(positions)


def _quiet(layer: nn.Linear) -> nn.Linear:
    with torch.no_grad():
        for weights in layer.parameters():
            weights.mul_(_QUIET)
    return layer


def _codes() -> int:
    total = 1
    for size in PAIR_FEATURES.values():
        total *= size
    return total
