"""Stored eigenbases of graph Laplacians: vectors of molecules and general graphs, closed forms of paths and grids.

What is stored here is computed and used by :mod:`~aiida_osc.diffusion.graph_basis` and
:mod:`~aiida_osc.diffusion.grid_basis`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
import torch
from rdkit import Chem

from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.diffusion.basis import Basis
from aiida_osc.diffusion.graph_basis import BatchBasis, GraphBasis, adjacency_matrix
from aiida_osc.diffusion.grid_basis import GridBasis, grid_eigenvalues
from aiida_osc.diffusion.grid_transforms import BOUNDARIES
from aiida_osc.errors import OscError

FORMAT = 'aiida-osc eigenbasis 1'
KINDS = ('molecules', 'grid', 'graph')
_ARRAYS = ('eigenvalues', 'eigenvectors', 'offsets', 'shape')
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Eigenbasis:
    """Eigenvalues and orthonormal eigenvectors of the Laplacians of one or more connected graphs.

    :param kind: ``molecules`` (bond graphs) or ``graph`` (weighted graphs), both with their vectors, or ``grid`` (one
        path or grid, vectors analytic).
    :param eigenvalues: ascending within each graph; of a grid in the order of its modes; shape ``(nodes,)``.
    :param eigenvectors: row-major ``(n, n)`` matrices of the graphs one after another, vectors as columns; shape
        ``(sum of n^2,)``, or ``(0,)`` for a grid.
    :param offsets: first node of each graph and the number of nodes at the end; shape ``(graphs + 1,)``.
    :param shape: sides of the grid, empty for the others.
    :param graph_hash: SHA-256 of the edges, equal for equal graphs.
    :param boundary: of a grid, ``neumann`` or ``periodic``; empty for the others.
    :raises OscError: when the arrays do not fit each other or hold values that are not finite.
    """

    kind: str
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, ...]
    graph_hash: str
    boundary: str = ''

    def __post_init__(self) -> None:
        """Normalise the types and check the invariants."""
        for name, kind in (('eigenvalues', np.float64), ('eigenvectors', np.float64), ('offsets', np.int64)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=kind))
        object.__setattr__(self, 'shape', tuple(int(side) for side in self.shape))
        sizes = np.diff(self.offsets)
        if self.kind not in KINDS or not len(sizes) or self.offsets[0] or (sizes < 1).any():
            raise OscError(f'an eigenbasis of kind {self.kind!r} with offsets {self.offsets[:5]} makes no sense')
        stored = 0 if self.kind == 'grid' else int((sizes**2).sum())
        if self.eigenvalues.shape != (self.nodes,) or self.eigenvectors.shape != (stored,):
            raise OscError('eigenvalues, eigenvectors and offsets of an eigenbasis do not fit each other')
        if self.kind == 'grid' and (len(sizes) != 1 or int(np.prod(self.shape)) != self.nodes):
            raise OscError(f'a grid of shape {self.shape} does not have {self.nodes} nodes')
        if not (np.isfinite(self.eigenvalues).all() and np.isfinite(self.eigenvectors).all()):
            raise OscError('an eigenbasis holds values that are not finite')
        if (self.eigenvalues < -_TOLERANCE).any():
            raise OscError('a Laplacian has no negative eigenvalues: the eigenbasis is damaged')
        if self.kind == 'grid':
            self._check_grid()

    def _check_grid(self) -> None:
        if self.boundary not in BOUNDARIES:
            raise OscError(f'a grid with the boundary {self.boundary!r} is not known: the eigenbasis is damaged')
        expected = grid_eigenvalues(self.shape, self.boundary).numpy()
        if not np.allclose(self.eigenvalues, expected, atol=_TOLERANCE):
            raise OscError('the eigenvalues are not those of the grid: the eigenbasis is damaged, build it again')

    @property
    def nodes(self) -> int:
        """Return the number of nodes of all graphs, which is the number of modes."""
        return int(self.offsets[-1])

    @property
    def graphs(self) -> int:
        """Return the number of graphs."""
        return len(self.offsets) - 1

    def matrix(self, graph: int) -> np.ndarray:
        """Return the eigenvectors of one graph as columns; shape ``(n, n)``.

        :raises OscError: for a grid, whose vectors are not stored.
        """
        if self.kind == 'grid':
            raise OscError('the eigenvectors of a grid are not stored: use to_modes and from_modes')
        starts = np.concatenate([[0], np.cumsum(np.diff(self.offsets) ** 2)])
        size = int(np.diff(self.offsets)[graph])
        return self.eigenvectors[starts[graph] : starts[graph + 1]].reshape(size, size)

    def basis(self, graph: int = 0, *, dtype: torch.dtype = torch.float64) -> GridBasis | GraphBasis:
        """Return the basis of one graph, ready for use.

        :raises OscError: when there is no such graph or its vectors are not orthonormal.
        """
        if not 0 <= graph < self.graphs:
            raise OscError(f'there is no graph {graph}: the eigenbasis holds 0 to {self.graphs - 1}')
        if self.kind == 'grid':
            return GridBasis(self.shape, self.boundary, dtype=dtype)
        vectors = torch.from_numpy(self.matrix(graph).copy())
        error = vectors.T @ vectors - torch.eye(len(vectors), dtype=vectors.dtype)
        if float(error.abs().max()) > _TOLERANCE:
            raise OscError(f'the eigenvectors of graph {graph} are not orthonormal: the eigenbasis is damaged')
        values = torch.from_numpy(self.eigenvalues[self.offsets[graph] : self.offsets[graph + 1]].copy())
        return GraphBasis(values.to(dtype), vectors.to(dtype))

    @classmethod
    def from_basis(cls, basis: Basis, *, graph_hash: str = '') -> 'Eigenbasis':
        """Return what is to be stored of a basis.

        :param graph_hash: SHA-256 of the edges of a graph; without it the hash is that of the basis itself.
        :raises OscError: when the basis is of a kind that is not stored.
        """
        if isinstance(basis, GridBasis):
            values = grid_eigenvalues(basis.shape, basis.boundary).numpy()
            digest = _grid_hash(basis.shape, basis.boundary)
            return cls('grid', values, np.zeros(0), np.array([0, basis.nodes]), basis.shape, digest, basis.boundary)
        if isinstance(basis, GraphBasis):
            return _stacked('graph', [basis], graph_hash)
        if isinstance(basis, BatchBasis):
            return _stacked('graph', [basis.graph(place) for place in range(len(basis.mask))], graph_hash)
        raise OscError(f'a basis of type {type(basis).__name__} is not stored: give that of a grid, graph or batch')

    def to_modes(self, signal: np.ndarray) -> np.ndarray:
        """Return the coefficients of a node signal, both of shape ``(nodes, features)``."""
        return self._transform(signal, inverse=False)

    def from_modes(self, modes: np.ndarray) -> np.ndarray:
        """Return the node signal with the given coefficients, both of shape ``(nodes, features)``."""
        return self._transform(modes, inverse=True)

    def _transform(self, values: np.ndarray, *, inverse: bool) -> np.ndarray:
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or len(values) != self.nodes:
            raise OscError(f'a signal of shape {values.shape} does not fit {self.nodes} nodes')
        parts = []
        for graph, (start, end) in enumerate(pairwise(self.offsets)):
            basis, part = self.basis(graph), torch.from_numpy(values[None, start:end].copy())
            parts.append((basis.from_modes if inverse else basis.to_modes)(part)[0].numpy())
        return np.concatenate(parts)

    def content_hash(self) -> str:
        """Return a SHA-256 of the content."""
        digest = hashlib.sha256(f'{self.kind}\0{self.graph_hash}\0{self.shape}\0{self.boundary}'.encode())
        for array in (self.eigenvalues, self.eigenvectors, self.offsets):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the basis as HDF5, byte for byte the same for equal bases."""
        with h5py.File(target, 'w', track_order=False) as handle:
            texts = {'kind': self.kind, 'graph_hash': self.graph_hash, 'boundary': self.boundary}
            handle.attrs.update({'format': FORMAT, **texts})
            for name in _ARRAYS[:3]:
                handle.create_dataset(name, data=getattr(self, name), track_times=False)
            handle.create_dataset('shape', data=np.array(self.shape, dtype=np.int64), track_times=False)

    @classmethod
    def read(cls, path: str | Path) -> 'Eigenbasis':
        """Return the basis stored at ``path``.

        :raises OscError: when the file is damaged, refused by the guards or no eigenbasis.
        """
        with open_checked(path) as handle:
            if handle.attrs.get('format') != FORMAT or not all(name in handle for name in _ARRAYS):
                raise OscError(f'{path} is not an eigenbasis of format {FORMAT!r}')
            arrays = {name: handle[name][()] for name in _ARRAYS}
            kind, graph_hash = (str(handle.attrs[name]) for name in ('kind', 'graph_hash'))
            # Files of the first version knew one boundary and did not name it.
            boundary = str(handle.attrs.get('boundary', 'neumann' if kind == 'grid' else ''))
            return cls(kind=kind, graph_hash=graph_hash, boundary=boundary, **arrays)


def molecular_eigenbasis(smiles: Sequence[str], *, hydrogens: bool = False) -> Eigenbasis:
    """Return the eigenbasis of the bond graphs of molecules, heavy atoms in the order of the SMILES.

    Every bond weighs 1. Each vector's largest component is positive, so that equal molecules give equal bases.

    :param hydrogens: let hydrogens be nodes too, after the heavy atoms.
    :raises OscError: when there is no molecule, or a SMILES is invalid or of several parts.
    """
    if not smiles:
        raise OscError('an eigenbasis needs at least one molecule')
    bases, digest = [], hashlib.sha256()
    for item in smiles:
        mol = parse_smiles(item)
        bonds = Chem.GetAdjacencyMatrix(Chem.AddHs(mol) if hydrogens else mol)
        digest.update(f'{len(bonds)}\0'.encode() + np.packbits(bonds.astype(bool)).tobytes())
        try:
            bases.append(GraphBasis.from_adjacency(torch.from_numpy(bonds), dtype=torch.float64))
        except OscError as exception:
            raise OscError(f'{item}: {exception}') from None
    return _stacked('molecules', bases, digest.hexdigest())


def graph_eigenbasis(edges: Sequence[Sequence[int]], weights: Sequence[float] | None, nodes: int) -> Eigenbasis:
    """Return the eigenbasis of one connected weighted graph.

    :param edges: pairs of nodes, each pair once.
    :param weights: one per edge, None for 1 each.
    :raises OscError: when the graph has no node, is not connected, or an edge or weight is impossible.
    """
    adjacency = adjacency_matrix(edges, weights, nodes)
    digest = hashlib.sha256(f'graph {nodes}\0'.encode() + adjacency.numpy().tobytes()).hexdigest()
    return _stacked('graph', [GraphBasis.from_adjacency(adjacency, dtype=torch.float64)], digest)


def grid_eigenbasis(*shape: int, boundary: str = 'neumann') -> Eigenbasis:
    """Return the basis of a path (one side) or grid (more sides).

    :raises OscError: when a side is missing or shorter than one node, or the boundary unknown.
    """
    return Eigenbasis.from_basis(GridBasis(shape, boundary, method='fft'))


def _grid_hash(shape: tuple[int, ...], boundary: str) -> str:
    ending = '' if boundary == 'neumann' else f' {boundary}'
    return hashlib.sha256(f'grid {shape}{ending}'.encode()).hexdigest()


def _stacked(kind: str, bases: Sequence[GraphBasis], graph_hash: str) -> Eigenbasis:
    """Return the storage object of bases with vectors."""
    values, vectors = (
        np.concatenate([getattr(item, name).double().cpu().numpy().ravel() for item in bases])
        for name in ('eigenvalues', 'eigenvectors')
    )
    offsets = np.concatenate([[0], np.cumsum([item.nodes for item in bases])])
    digest = graph_hash or hashlib.sha256(values.tobytes() + vectors.tobytes()).hexdigest()
    return Eigenbasis(kind, values, vectors, offsets, (), digest)
