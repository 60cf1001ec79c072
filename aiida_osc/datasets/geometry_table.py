"""The plain science object behind ``GeometrySetData``: structures of many molecules in ragged arrays."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
from rdkit import Chem

from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.errors import OscError

FORMAT = 'aiida-osc geometries 1'


@dataclass(frozen=True)
class Geometry:
    """One structure.

    :param inchikey: key of the molecule.
    :param charge: total charge in units of e.
    :param numbers: atomic numbers, shape ``(atoms,)``, int.
    :param positions: Cartesian coordinates in Angstrom, shape ``(atoms, 3)``.
    """

    inchikey: str
    charge: int
    numbers: np.ndarray
    positions: np.ndarray

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the chemical symbol of every atom."""
        table = Chem.GetPeriodicTable()
        return tuple(table.GetElementSymbol(int(number)) for number in self.numbers)


@dataclass(frozen=True)
class GeometryTable:
    """Structures at one level of theory; (InChIKey, charge) may repeat for conformers.

    :param level: how the structures were made, such as ``GFN2-xTB`` or ``ETKDGv3+MMFF94``.
    :raises OscError: when a structure has the wrong shape or a coordinate that is not finite.
    """

    geometries: Sequence[Geometry]
    level: str

    def __post_init__(self) -> None:
        """Normalise the types and check every structure."""
        checked = []
        for item in self.geometries:
            numbers, positions = np.asarray(item.numbers, dtype=np.int16), np.asarray(item.positions, dtype=np.float64)
            if numbers.ndim != 1 or positions.shape != (len(numbers), 3) or not len(numbers):
                raise OscError(f'geometry of {item.inchikey} has shapes {numbers.shape} and {positions.shape}')
            if not np.isfinite(positions).all() or (numbers < 1).any() or (numbers > 118).any():
                raise OscError(f'geometry of {item.inchikey} has impossible atoms or coordinates')
            checked.append(Geometry(str(item.inchikey), int(item.charge), numbers, positions))
        object.__setattr__(self, 'geometries', tuple(checked))

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.geometries)

    def select(self, inchikeys: Iterable[str], charge: int = 0) -> list[Geometry | None]:
        """Return the first structure of that charge for each key, None where there is none."""
        found: dict[str, Geometry] = {}
        for item in self.geometries:
            if item.charge == charge:
                found.setdefault(item.inchikey, item)
        return [found.get(key) for key in inchikeys]

    def _arrays(self) -> dict[str, np.ndarray]:
        sizes = [len(item.numbers) for item in self.geometries]
        return {
            'charge': np.array([item.charge for item in self.geometries], dtype=np.int16),
            'numbers': np.concatenate([item.numbers for item in self.geometries] or [np.zeros(0, np.int16)]),
            'offsets': np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            'positions': np.concatenate([item.positions for item in self.geometries] or [np.zeros((0, 3))]),
        }

    def content_hash(self) -> str:
        """Return a SHA-256 of the content, equal for equal tables in equal order."""
        digest = hashlib.sha256(self.level.encode() + b'\0')
        digest.update('\n'.join(item.inchikey for item in self.geometries).encode())
        for array in self._arrays().values():
            digest.update(array.tobytes())
        return digest.hexdigest()

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the table as HDF5, byte for byte the same for equal tables."""
        with h5py.File(target, 'w', track_order=False) as handle:
            handle.attrs.update({'format': FORMAT, 'level': self.level})
            keys = np.array([item.inchikey for item in self.geometries], dtype=object)
            handle.create_dataset('inchikey', data=keys, dtype=h5py.string_dtype(), shape=keys.shape)
            for name, array in self._arrays().items():
                handle.create_dataset(name, data=array, track_times=False)

    @classmethod
    def read(cls, path: str | Path) -> 'GeometryTable':
        """Return the table stored at ``path``.

        :raises OscError: when the file is damaged, refused by the guards or not a geometry table.
        """
        with open_checked(path) as handle:
            names = ('inchikey', 'charge', 'numbers', 'offsets', 'positions')
            if handle.attrs.get('format') != FORMAT or not all(name in handle for name in names):
                raise OscError(f'{path} is not a geometry table of format {FORMAT!r}')
            keys = handle['inchikey'].asstr()[()]
            charge, numbers, offsets, positions = (handle[name][()] for name in names[1:])
            level = str(handle.attrs['level'])
        ends_match = len(offsets) == len(keys) + 1 and offsets[-1] == len(numbers) == len(positions)
        if not (ends_match and len(charge) == len(keys) and offsets[0] == 0 and (np.diff(offsets) > 0).all()):
            raise OscError(f'{path} is damaged: its offsets do not fit its atoms')
        slices = [slice(int(a), int(b)) for a, b in pairwise(offsets)]
        rows = zip(keys, charge, slices, strict=True)
        return cls([Geometry(key, int(q), numbers[part], positions[part]) for key, q, part in rows], level)
