"""Molecules of similar size put together as padded tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from torch import Tensor

from aiida_osc.diffusion.graph_basis import BatchBasis
from aiida_osc.diffusion.molecules.features import MoleculeGraph, unpack


@dataclass(frozen=True)
class GraphBatch:
    """A padded batch of molecules.

    :param atoms: features of the atoms, shape ``(batch, nodes, features)``, int64.
    :param pairs: packed features of the pairs, shape ``(batch, nodes, nodes)``, int64.
    :param mask: atoms that are there, shape ``(batch, nodes)``, bool.
    :param centres: stereocentres as places among all ``batch * nodes`` atoms, rows (centre, a, b, c), int64.
    :param signs: handedness of the stereocentres, shape ``(centres,)``, float32.
    """

    atoms: Tensor
    pairs: Tensor
    mask: Tensor
    centres: Tensor
    signs: Tensor

    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""
        return type(self)(**{item.name: getattr(self, item.name).to(device) for item in fields(self)})

    def basis(self) -> BatchBasis:
        """Return the eigenbases of the bond graphs, every bond of weight 1."""
        bonded = (unpack(self.pairs)['bond'] > 0).to(torch.float32)
        return BatchBasis.from_adjacency(bonded, self.mask.sum(dim=1))

    @property
    def handed(self) -> Tensor:
        """Return which molecules have stereocentres, shape ``(batch,)``, bool."""
        handed = torch.zeros(len(self.mask), dtype=torch.bool, device=self.mask.device)
        handed[self.centres[:, 0] // self.mask.shape[1]] = True
        return handed


def collate(graphs: Sequence[MoleculeGraph]) -> GraphBatch:
    """Return the molecules as one batch, padded to the largest."""
    sizes = [len(graph) for graph in graphs]
    nodes = max(sizes)
    atoms = np.zeros((len(graphs), nodes, graphs[0].atoms.shape[1]), dtype=np.int64)
    pairs = np.zeros((len(graphs), nodes, nodes), dtype=np.int64)
    mask = np.arange(nodes) < np.array(sizes)[:, None]
    for place, (graph, size) in enumerate(zip(graphs, sizes, strict=True)):
        atoms[place, :size], pairs[place, :size, :size] = graph.atoms, graph.pairs
    rows = np.concatenate([graph.centres[:, :4] + place * nodes for place, graph in enumerate(graphs)]).astype(np.int64)
    signs = np.concatenate([graph.centres[:, 4] for graph in graphs]).astype(np.float32)
    arrays = (atoms, pairs, mask, rows, signs)
    return GraphBatch(*(torch.from_numpy(array) for array in arrays))


def pad_positions(positions: Sequence[np.ndarray]) -> Tensor:
    """Return structures around their centres, padded with zeros; shape ``(batch, nodes, 3)``, float32."""
    nodes = max(len(item) for item in positions)
    padded = np.zeros((len(positions), nodes, 3), dtype=np.float32)
    for place, item in enumerate(positions):
        padded[place, : len(item)] = item - item.mean(axis=0)
    return torch.from_numpy(padded)


def split_by_size(sizes: np.ndarray, order: np.ndarray, cost: float) -> list[np.ndarray]:
    """Return batches of places in ``order``, of similar sizes, each with pairs of atoms of at most ``cost``.

    :param sizes: atoms of every molecule.
    :param cost: atoms squared, summed over a batch as if all were as large as the largest; one molecule may be more.
    """
    batches: list[np.ndarray] = []
    ranked = order[np.argsort(sizes[order], kind='stable')][::-1]
    start = 0
    while start < len(ranked):
        count = max(1, int(cost // int(sizes[ranked[start]]) ** 2))
        batches.append(ranked[start : start + count])
        start += count
    return batches
