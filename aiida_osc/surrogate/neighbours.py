"""Atoms in space and their neighbours, molecule by molecule, as a network of structures reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree

from aiida_osc.datasets.geometry_table import Geometry


@dataclass(frozen=True)
class SpatialBatch:
    """Structures joined into one graph of neighbours.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param edges: first and second atom of each directed edge, shape ``(2, edges)``; the second half are the reverses of
        the first.
    :param distances: their lengths in Angstrom, shape ``(edges,)``.
    :param owner: the molecule of each atom, shape ``(atoms,)``.
    :param sizes: atoms of each molecule, 0 without a structure, shape ``(molecules,)``.
    """

    numbers: torch.Tensor
    edges: torch.Tensor
    distances: torch.Tensor
    owner: torch.Tensor
    sizes: torch.Tensor

    def to(self, device: torch.device) -> 'SpatialBatch':
        """Return the batch on ``device``."""
        return SpatialBatch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


class SpatialGraphs:
    """The structures of many molecules; neighbours are searched when a batch first needs them, and kept."""

    def __init__(self, geometries: Sequence[Geometry | None]) -> None:
        """Keep the structures, None where a molecule has none."""
        self.geometries = tuple(geometries)
        self.present = np.array([item is not None for item in self.geometries], dtype=bool)
        self._near: dict[tuple[int, float], tuple[np.ndarray, np.ndarray]] = {}

    def batch(self, rows: Sequence[int] | np.ndarray, cutoff: float) -> SpatialBatch:
        """Return the molecules ``rows``, in that order, joined; ``cutoff`` in Angstrom ends the neighbourhood."""
        numbers, pairs, distances = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int64)], [np.zeros(0, np.float32)]
        sizes = np.zeros(len(rows), dtype=np.int64)
        for place, row in enumerate(np.asarray(rows).tolist()):
            geometry = self.geometries[row]
            if geometry is None:
                continue
            near, lengths = self._neighbours(row, geometry, cutoff)
            pairs.append(near + sizes.sum())
            distances.append(lengths)
            numbers.append(geometry.numbers.astype(np.int64))
            sizes[place] = len(geometry.numbers)
        ends, lengths = np.concatenate(pairs).T, np.concatenate(distances)
        return SpatialBatch(
            numbers=torch.from_numpy(np.concatenate(numbers)),
            edges=torch.from_numpy(np.concatenate([ends, ends[::-1]], axis=1)),
            distances=torch.from_numpy(np.concatenate([lengths, lengths])),
            owner=torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)),
            sizes=torch.from_numpy(sizes),
        )

    def _neighbours(self, row: int, geometry: Geometry, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of atoms within ``cutoff``, shape ``(pairs, 2)``, and their distances."""
        key = (row, cutoff)
        if key not in self._near:
            near = cKDTree(geometry.positions).query_pairs(cutoff, output_type='ndarray')
            lengths = np.linalg.norm(geometry.positions[near[:, 0]] - geometry.positions[near[:, 1]], axis=1)
            self._near[key] = near.astype(np.int32), lengths.astype(np.float32)
        return self._near[key]
