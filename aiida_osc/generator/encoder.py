"""The encoders: messages over bonds for the graph; from the leaves to the root, and along a walk, for the tree."""

import torch
from torch import Tensor, nn

from aiida_osc.generator.tensors import ATOM_SIZES, BOND_SIZES, Batch


class GraphEncoder(nn.Module):
    """Residual message passing over bonds, then sum and mean over the atoms.

    There are several atoms to a motif, and the tree tells the molecule already: half the width of the other parts is
    wide enough, and makes training half as fast again.
    """

    def __init__(self, hidden: int, rounds: int) -> None:
        """Make the layers; ``hidden`` is the width of the result."""
        super().__init__()
        hidden, result = hidden // 2, hidden
        self.atoms = nn.EmbeddingBag(sum(ATOM_SIZES), hidden, mode='sum')
        self.bonds = nn.EmbeddingBag(sum(BOND_SIZES), hidden, mode='sum')
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(rounds))
        self.updates = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)) for _ in range(rounds)
        )
        self.out = nn.Linear(2 * hidden, result)

    def forward(self, batch: Batch) -> Tensor:
        """Return one vector per molecule, shape ``(molecules, hidden)``."""
        states, bonds = self.atoms(batch.atoms), self.bonds(batch.edge_kinds)
        source, target = batch.edges
        for norm, update in zip(self.norms, self.updates, strict=True):
            normed = norm(states)
            messages = torch.relu(normed.index_select(0, source) + bonds)
            received = torch.zeros_like(normed).index_add_(0, target, messages.to(normed.dtype))
            states = states + update(torch.cat([normed, received], dim=1))
        total = states.new_zeros(len(batch), states.shape[1]).index_add_(0, batch.atom_owner, states)
        counts = torch.bincount(batch.atom_owner, minlength=len(batch)).unsqueeze(1)
        return torch.relu(self.out(torch.cat([total / 10, total / counts], dim=1)))


class TreeEncoder(nn.Module):
    """Gated units from the leaves to the root, all nodes of one depth at a time."""

    def __init__(self, hidden: int) -> None:
        """Make the layers."""
        super().__init__()
        self.message = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU())
        self.cell = nn.GRUCell(hidden, hidden)
        self.out = nn.Linear(2 * hidden, hidden)

    def forward(self, batch: Batch, motifs: Tensor, joints: Tensor) -> Tensor:
        """Return one vector per molecule, from the state of the root and the sum over all nodes.

        :param motifs: embedded motif of each node, shape ``(nodes, hidden)``.
        :param joints: embedded site and attachment of each node, shape ``(nodes, hidden)``.
        :returns: shape ``(molecules, hidden)``.
        """
        parent, depth = batch.nodes[:, 3], batch.nodes[:, 4]
        received = torch.zeros_like(motifs)
        total = motifs.new_zeros(len(batch), motifs.shape[1])
        for level in range(int(depth.max()), -1, -1):
            rows = (depth == level).nonzero().squeeze(1)
            states = self.cell(motifs.index_select(0, rows), received.index_select(0, rows))
            total = total.index_add(0, batch.node_owner.index_select(0, rows), states.to(total.dtype))
            if level:
                messages = self.message(torch.cat([states, joints.index_select(0, rows)], dim=1))
                received = received.index_add(0, parent.index_select(0, rows), messages.to(received.dtype))
        # One root for each molecule, in the order of the batch.
        return torch.relu(self.out(torch.cat([states, total / 10], dim=1)))


class WalkEncoder(nn.Module):
    """Reads the tree in the order in which the decoder builds it.

    What is to be written again is best read in the order of writing.
    """

    def __init__(self, hidden: int) -> None:
        """Make the layers."""
        super().__init__()
        self.walk = nn.GRU(2 * hidden, hidden, batch_first=True)

    def forward(self, batch: Batch, inputs: Tensor) -> Tensor:
        """Return one vector per molecule, from the last state and the sum over all states.

        :param inputs: embedded inputs of the decisions, shape ``(molecules, steps, 2 hidden)``.
        :returns: shape ``(molecules, 2 hidden)``.
        """
        states, _ = self.walk(inputs)
        longest, hidden = states.shape[1:]
        owner = batch.real // longest
        counts = torch.bincount(owner, minlength=len(batch))
        flat = states.flatten(0, 1)
        last = flat.index_select(0, torch.arange(len(batch), device=owner.device) * longest + (counts - 1).clamp(min=0))
        total = states.new_zeros(len(batch), hidden).index_add_(0, owner, flat.index_select(0, batch.real))
        return torch.cat([last, total / 10], dim=1)
