"""SchNet as members of an ensemble: continuous-filter convolutions over neighbours in space.

K. T. Schuett et al., doi 10.1063/1.5019779; the interaction blocks are those of torch_geometric. Only distances enter,
so rotations, translations and mirror images change nothing.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings
from aiida_osc.surrogate.neighbours import SpatialBatch
from aiida_osc.surrogate.network import MIN_SIGMA, TYPICAL_ATOMS

#: Key of the shape of these members in that of a network.
SPATIAL = 'spatial'
#: Atomic numbers are below.
ELEMENTS = 119
#: Gaussians that a distance is smeared over.
GAUSSIANS = 50
_RANGES = {'members': (1, 64), 'hidden': (1, 4096), 'interactions': (1, 32), 'targets': (1, 1024), 'cutoff': (1, 20)}


@dataclass(frozen=True)
class SpatialArchitecture(Settings):
    """Shape of the members that read structures.

    :param members: how many there are.
    :param hidden: width of the atoms' vectors and of the filters.
    :param interactions: interaction blocks.
    :param cutoff: distance in Angstrom up to which atoms are neighbours.
    :param targets: predicted columns.
    """

    members: int
    hidden: int
    interactions: int
    cutoff: float
    targets: int

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value cannot make a network.
        """
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise OscError(f'{name} of the spatial members is {getattr(self, name)}: give {low} to {high}')


class SpatialNetwork(nn.Module):
    """Members that predict mean and standard deviation of every target from a structure."""

    def __init__(self, architecture: SpatialArchitecture) -> None:
        """Draw the weights from torch's random state."""
        super().__init__()
        # Its import takes as long as that of torch: only models that read structures pay for it.
        from torch_geometric.nn.models.schnet import GaussianSmearing

        self.architecture = architecture
        self.smear = GaussianSmearing(0.0, architecture.cutoff, GAUSSIANS)
        self.members = nn.ModuleList(_Member(architecture) for _ in range(architecture.members))

    def forward(self, batch: SpatialBatch) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of each member, in units of the normalised labels.

        :param batch: the structures; what is said of a molecule without one means nothing.
        :return: two tensors of shape ``(members, molecules, targets)``.
        """
        smeared = self.smear(batch.distances[: len(batch.distances) // 2])
        answers = torch.stack([member(batch, smeared) for member in self.members]).float()
        mean, spread = answers.chunk(2, dim=-1)
        return mean, functional.softplus(spread) + MIN_SIGMA


def _block(architecture: SpatialArchitecture) -> nn.Module:
    from torch_geometric.nn.models.schnet import InteractionBlock

    a = architecture
    block: Any = InteractionBlock(a.hidden, GAUSSIANS, a.hidden, a.cutoff)
    block.conv.nn = _Mirrored(block.conv.nn)
    # The filter under a second name, which files of weights do not allow.
    del block.mlp
    made: nn.Module = block
    return made


class _Mirrored(nn.Module):
    """A filter that is computed once for both directions of a pair of atoms, which takes half the time."""

    def __init__(self, one_way: nn.Module) -> None:
        super().__init__()
        self.one_way = one_way

    def forward(self, smeared: Tensor) -> Tensor:
        values = self.one_way(smeared)
        return torch.cat([values, values])


class _Member(nn.Module):
    """Interaction blocks, the mean and the sum over atoms, and a readout."""

    def __init__(self, architecture: SpatialArchitecture) -> None:
        super().__init__()
        a = architecture
        self.atoms = nn.Embedding(ELEMENTS, a.hidden)
        self.blocks = nn.ModuleList(_block(a) for _ in range(a.interactions))
        self.readout = nn.Sequential(nn.Linear(2 * a.hidden, a.hidden), nn.SiLU(), nn.Linear(a.hidden, 2 * a.targets))

    def forward(self, batch: SpatialBatch, smeared: Tensor) -> Tensor:
        x = self.atoms(batch.numbers)
        for block in self.blocks:
            x = x + block(x, batch.edges, batch.distances, smeared)
        total = x.new_zeros(len(batch.sizes), x.shape[1]).index_add(0, batch.owner, x)
        mean = total / batch.sizes.clamp(min=1)[:, None]
        answer: Tensor = self.readout(torch.cat([mean, total / TYPICAL_ATOMS], dim=-1))
        return answer
