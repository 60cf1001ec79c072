"""Eigenbases of graph Laplacians: of molecules by diagonalisation, of paths and grids in closed form.

The Laplacian of a path with reflecting ends is diagonal in the type-II cosine transform
(doi 10.1137/S0036144598336745), that of a grid in the product of two, so their eigenvectors are never stored.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
from rdkit import Chem
from scipy.fft import dctn, idctn

from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.errors import OscError

FORMAT = 'aiida-osc eigenbasis 1'
KINDS = ('molecules', 'grid')
_ARRAYS = ('eigenvalues', 'eigenvectors', 'offsets', 'shape')
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Eigenbasis:
    """Eigenvalues and orthonormal eigenvectors of the Laplacians of one or more graphs.

    :param kind: ``molecules`` (bond graphs, vectors stored) or ``grid`` (a path or grid, vectors analytic).
    :param eigenvalues: ascending within each molecule; of a grid in the order of its modes; shape ``(nodes,)``.
    :param eigenvectors: row-major ``(n, n)`` matrices of the graphs one after another, vectors as columns; shape
        ``(sum of n^2,)``, or ``(0,)`` for a grid.
    :param offsets: first node of each graph and the number of nodes at the end; shape ``(graphs + 1,)``.
    :param shape: sides of the grid, empty for molecules.
    :param graph_hash: SHA-256 of the edges, equal for equal graphs.
    :raises OscError: when the arrays do not fit each other or hold values that are not finite.
    """

    kind: str
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, ...]
    graph_hash: str

    def __post_init__(self) -> None:
        """Normalise the types and check the invariants."""
        for name, kind in (('eigenvalues', np.float64), ('eigenvectors', np.float64), ('offsets', np.int64)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=kind))
        object.__setattr__(self, 'shape', tuple(int(side) for side in self.shape))
        sizes = np.diff(self.offsets)
        if self.kind not in KINDS or not len(sizes) or self.offsets[0] or (sizes < 1).any():
            raise OscError(f'an eigenbasis of kind {self.kind!r} with offsets {self.offsets[:5]} makes no sense')
        stored = int((sizes**2).sum()) if self.kind == 'molecules' else 0
        if self.eigenvalues.shape != (self.nodes,) or self.eigenvectors.shape != (stored,):
            raise OscError('eigenvalues, eigenvectors and offsets of an eigenbasis do not fit each other')
        if self.kind == 'grid' and (len(sizes) != 1 or int(np.prod(self.shape)) != self.nodes):
            raise OscError(f'a grid of shape {self.shape} does not have {self.nodes} nodes')
        if not (np.isfinite(self.eigenvalues).all() and np.isfinite(self.eigenvectors).all()):
            raise OscError('an eigenbasis holds values that are not finite')
        if (self.eigenvalues < -_TOLERANCE).any():
            raise OscError('a Laplacian has no negative eigenvalues: the eigenbasis is damaged')

    @property
    def nodes(self) -> int:
        """Return the number of nodes of all graphs, which is the number of modes."""
        return int(self.offsets[-1])

    @property
    def graphs(self) -> int:
        """Return the number of graphs."""
        return len(self.offsets) - 1

    def matrix(self, graph: int) -> np.ndarray:
        """Return the eigenvectors of one molecule as columns; shape ``(n, n)``.

        :raises OscError: for a grid, whose vectors are not stored.
        """
        if self.kind != 'molecules':
            raise OscError('the eigenvectors of a grid are not stored: use to_modes and from_modes')
        starts = np.concatenate([[0], np.cumsum(np.diff(self.offsets) ** 2)])
        size = int(np.diff(self.offsets)[graph])
        return self.eigenvectors[starts[graph] : starts[graph + 1]].reshape(size, size)

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
        if self.kind == 'grid':
            axes = tuple(range(len(self.shape)))
            cube = values.reshape(*self.shape, -1)
            return (idctn if inverse else dctn)(cube, axes=axes, norm='ortho').reshape(values.shape)
        parts = []
        for graph, (start, end) in enumerate(pairwise(self.offsets)):
            vectors = self.matrix(graph)
            parts.append((vectors if inverse else vectors.T) @ values[start:end])
        return np.concatenate(parts)

    def content_hash(self) -> str:
        """Return a SHA-256 of the content."""
        digest = hashlib.sha256(f'{self.kind}\0{self.graph_hash}\0{self.shape}'.encode())
        for array in (self.eigenvalues, self.eigenvectors, self.offsets):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the basis as HDF5, byte for byte the same for equal bases."""
        with h5py.File(target, 'w', track_order=False) as handle:
            handle.attrs.update({'format': FORMAT, 'kind': self.kind, 'graph_hash': self.graph_hash})
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
            return cls(kind=str(handle.attrs['kind']), graph_hash=str(handle.attrs['graph_hash']), **arrays)


def molecular_eigenbasis(smiles: Sequence[str]) -> Eigenbasis:
    """Return the eigenbasis of the bond graphs of molecules, heavy atoms in the order of the SMILES.

    Every bond weighs 1. Each vector's largest component is positive, so that equal molecules give equal bases.

    :raises OscError: when there is no molecule or a SMILES is invalid.
    """
    if not smiles:
        raise OscError('an eigenbasis needs at least one molecule')
    values, vectors, digest, sizes = [], [], hashlib.sha256(), []
    for item in smiles:
        adjacency = Chem.GetAdjacencyMatrix(parse_smiles(item)).astype(np.float64)
        digest.update(f'{len(adjacency)}\0'.encode() + np.packbits(adjacency.astype(bool)).tobytes())
        spectrum, matrix = np.linalg.eigh(np.diag(adjacency.sum(axis=1)) - adjacency)
        values.append(np.clip(spectrum, 0.0, None))
        vectors.append(_fix_signs(matrix).ravel())
        sizes.append(len(adjacency))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return Eigenbasis('molecules', np.concatenate(values), np.concatenate(vectors), offsets, (), digest.hexdigest())


def grid_eigenbasis(*shape: int) -> Eigenbasis:
    """Return the basis of a path (one side) or grid (more sides) with reflecting boundaries.

    The eigenvalues are sums of ``2 - 2 cos(pi k / n)`` over the sides.

    :raises OscError: when a side is missing or shorter than one node.
    """
    if not shape or min(shape) < 1:
        raise OscError(f'a grid of shape {shape} has no nodes: give sides of at least 1')
    total = np.zeros(shape)
    for axis, side in enumerate(shape):
        spectrum = 2.0 - 2.0 * np.cos(np.pi * np.arange(side) / side)
        total += spectrum.reshape([-1 if number == axis else 1 for number in range(len(shape))])
    digest = hashlib.sha256(f'grid {shape}'.encode()).hexdigest()
    offsets = np.array([0, total.size])
    return Eigenbasis('grid', total.ravel(), np.zeros(0), offsets, tuple(shape), digest)


def _fix_signs(matrix: np.ndarray) -> np.ndarray:
    """Return the columns with the sign that makes their largest component positive."""
    largest = np.argmax(np.round(np.abs(matrix), 9), axis=0)
    signs = np.sign(matrix[largest, np.arange(matrix.shape[1])])
    return matrix * np.where(signs == 0, 1.0, signs)
