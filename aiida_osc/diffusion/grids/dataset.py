"""Sets of fields on one grid, in memory or read from an HDF5 file batch by batch."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

import h5py
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.diffusion.grid_transforms import check_boundary
from aiida_osc.errors import OscError

FORMAT = 'aiida-osc fields 1'
_ROWS = 64


class Fields(Protocol):
    """Fields on one grid.

    Every one has ``shape``, the sides; ``features``, their number per node; ``boundary``, that of the grid.
    """

    shape: tuple[int, ...]
    features: int
    boundary: str

    def __len__(self) -> int:
        """Return the number of fields."""

    def batches(self, places: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """Yield the fields at the given places, each batch of shape ``(batch, nodes, features)``."""

    def content_hash(self) -> str:
        """Return a SHA-256 of the content, equal for equal sets wherever they are kept."""


class FieldArray:
    """Fields in memory."""

    def __init__(self, values: Tensor, shape: Sequence[int], boundary: str = 'neumann') -> None:
        """Check and keep the values.

        :param values: shape ``(count, nodes, features)``.
        :param shape: sides of the grid.
        :raises OscError: when the shapes do not fit or a value is not finite.
        """
        self.values, self.shape, self.boundary = values.float(), tuple(int(side) for side in shape), boundary
        check_boundary(boundary)
        if values.ndim != 3 or not len(values) or values.shape[1] != int(np.prod(self.shape)) or not values.shape[2]:
            raise OscError(f'fields of shape {tuple(values.shape)} do not fit a grid of {self.shape}')
        if not torch.isfinite(self.values).all():
            raise OscError('a field holds values that are not finite')
        self.features = values.shape[2]

    def __len__(self) -> int:
        """Return the number of fields."""
        return len(self.values)

    def batches(self, places: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """Yield the fields at the given places, each batch of shape ``(batch, nodes, features)``."""
        for batch in places:
            yield self.values[torch.from_numpy(np.asarray(batch, dtype=np.int64))]

    def content_hash(self) -> str:
        """Return a SHA-256 of the content."""
        return _content_hash(self, (self.values[start : start + _ROWS].numpy() for start in range(0, len(self), _ROWS)))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the fields that :meth:`write` wrote.

        :raises OscError: when the file is damaged, refused by the guards or no set of fields.
        """
        stored = FieldFile(path)
        return cls(torch.cat(list(stored.batches([np.arange(len(stored))]))), stored.shape, stored.boundary)

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the set as HDF5, byte for byte the same for equal sets."""
        with h5py.File(target, 'w', track_order=False) as handle:
            handle.attrs.update({'format': FORMAT, 'boundary': self.boundary})
            handle.create_dataset('shape', data=np.array(self.shape, dtype=np.int64), track_times=False)
            chunks = (1, *self.values.shape[1:])
            handle.create_dataset('fields', data=self.values.numpy(), chunks=chunks, track_times=False)


class FieldFile(Dataset):
    """Fields in an HDF5 file, which is open only while batches are read, in each process by itself."""

    def __init__(self, path: str | Path, *, workers: int = 0) -> None:
        """Look at the file; it is closed again.

        :param workers: processes that read ahead; 0 reads in this one.
        :raises OscError: when the file is damaged, refused by the guards or no set of fields.
        """
        self.path, self.workers = str(path), workers
        with open_checked(path) as handle:
            if handle.attrs.get('format') != FORMAT or not all(name in handle for name in ('fields', 'shape')):
                raise OscError(f'{path} is not a set of fields of format {FORMAT!r}')
            self.boundary = str(handle.attrs['boundary'])
            self.shape = tuple(int(side) for side in handle['shape'][()])
            size, kind = handle['fields'].shape, handle['fields'].dtype
        if len(size) != 3 or not size[0] or size[1] != int(np.prod(self.shape)) or kind != np.float32:
            raise OscError(f'{path} is damaged: fields of shape {size} and type {kind} on a grid of {self.shape}')
        check_boundary(self.boundary)
        self._count, self.features = int(size[0]), int(size[2])
        self._handle: h5py.File | None = None
        self._process = 0

    def __len__(self) -> int:
        """Return the number of fields."""
        return self._count

    def batches(self, places: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """Yield the fields at the given places, each batch of shape ``(batch, nodes, features)``.

        :raises OscError: when the file can no longer be read.
        """
        if self.workers:
            yield from DataLoader(
                self,
                batch_sampler=[list(map(int, item)) for item in places],
                num_workers=self.workers,
                collate_fn=torch.stack,
            )
            return
        try:
            for batch in places:
                yield torch.stack(self.__getitems__([int(place) for place in batch]))
        finally:
            self.close()

    def __getitem__(self, place: int) -> Tensor:
        """Return one field, shape ``(nodes, features)``; :meth:`close` when done."""
        return self.__getitems__([place])[0]

    def __getitems__(self, places: list[int]) -> list[Tensor]:
        """Return several fields; :meth:`close` when done."""
        if self._handle is None or self._process != os.getpid():
            # A handle that came over with a fork belongs to the other process: HDF5 must not share it.
            try:
                self._handle, self._process = h5py.File(self.path, 'r'), os.getpid()
            except OSError as exception:
                raise OscError(f'{self.path} can no longer be read: {exception}') from None
        order = np.argsort(places)
        rows = np.asarray(places, dtype=np.int64)[order]
        unique, back = np.unique(rows, return_inverse=True)
        read = torch.from_numpy(self._handle['fields'][unique])[torch.from_numpy(back)]
        if not torch.isfinite(read).all():
            raise OscError(f'{self.path} is damaged: a field holds values that are not finite')
        return list(read[torch.from_numpy(np.argsort(order))])

    def close(self) -> None:
        """Close the file in this process."""
        if self._handle is not None and self._process == os.getpid():
            self._handle.close()
        self._handle = None

    def content_hash(self) -> str:
        """Return a SHA-256 of the content."""
        starts = range(0, len(self), _ROWS)
        with h5py.File(self.path, 'r') as handle:
            return _content_hash(self, (handle['fields'][start : start + _ROWS] for start in starts))

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker process gets: everything but the open file."""
        return {**self.__dict__, '_handle': None}


def _content_hash(fields: Fields, parts: Iterator[np.ndarray]) -> str:
    digest = hashlib.sha256(f'{fields.shape}\0{fields.boundary}\0{fields.features}\0'.encode())
    for part in parts:
        digest.update(np.ascontiguousarray(part, dtype=np.float32).tobytes())
    return digest.hexdigest()
