"""The plain science object behind ``MoleculeSetData``: molecules with one float column per (target, level)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.errors import OscError

FORMAT = 'aiida-osc molecules 1'
TEXT_FIELDS = ('smiles', 'inchikey', 'source')


@dataclass(frozen=True)
class MoleculeTable:
    """Molecules keyed by InChIKey; missing labels are NaN.

    :param smiles: canonical isomeric SMILES of the standardised neutral parent, one per molecule.
    :param inchikeys: standard InChIKeys, unique.
    :param source: where each molecule comes from, free text such as ``seed`` or ``jtvae``.
    :param columns: values per column, each of shape ``(count,)``, float64, in the canonical unit of its target.
    :raises OscError: when lengths differ, keys repeat or a value is infinite.
    """

    smiles: tuple[str, ...] = ()
    inchikeys: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    columns: Mapping[Column, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Normalise the types and check the invariants."""
        for name in ('smiles', 'inchikeys', 'source'):
            object.__setattr__(self, name, tuple(str(item) for item in getattr(self, name)))
        ordered = {key: np.asarray(self.columns[key], dtype=np.float64) for key in sorted(self.columns)}
        object.__setattr__(self, 'columns', ordered)
        if not len(self.smiles) == len(self.inchikeys) == len(self.source):
            raise OscError('smiles, inchikeys and source differ in length')
        if len(set(self.inchikeys)) != len(self.inchikeys):
            raise OscError('an InChIKey stands twice in a molecule table: merge the rows first')
        for text in (*self.smiles, *self.inchikeys, *self.source):
            if '\n' in text or '\0' in text:
                raise OscError(f'{text!r} holds a line break or NUL: a molecule table holds single lines of text')
        for key, values in ordered.items():
            if values.shape != (len(self),):
                raise OscError(f'column {key} has shape {values.shape} for {len(self)} molecules')
            if np.isinf(values).any():
                raise OscError(f'column {key} holds an infinite value')

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.smiles)

    def values(self, column: Column) -> np.ndarray:
        """Return the values of ``column``, all NaN when the table does not have it; shape ``(count,)``."""
        return self.columns[column] if column in self.columns else np.full(len(self), np.nan)

    def index(self) -> dict[str, int]:
        """Return the row of each InChIKey."""
        return {key: row for row, key in enumerate(self.inchikeys)}

    def take(self, rows: Iterable[int]) -> 'MoleculeTable':
        """Return the table of the given rows, in that order."""
        picked = [int(row) for row in rows]
        return MoleculeTable(
            [self.smiles[i] for i in picked],  # type: ignore[arg-type]
            [self.inchikeys[i] for i in picked],  # type: ignore[arg-type]
            [self.source[i] for i in picked],  # type: ignore[arg-type]
            {key: values[picked] for key, values in self.columns.items()},
        )

    def with_columns(self, columns: Mapping[Column, np.ndarray]) -> 'MoleculeTable':
        """Return the table with ``columns`` added or replaced."""
        return MoleculeTable(self.smiles, self.inchikeys, self.source, {**self.columns, **columns})

    def coverage(self) -> dict[str, int]:
        """Return the number of labels per column, keyed by the written form of the column."""
        return {str(key): int(np.isfinite(values).sum()) for key, values in self.columns.items()}

    def content_hash(self) -> str:
        """Return a SHA-256 of the content, equal for equal tables in equal order."""
        digest = hashlib.sha256()
        for name in ('smiles', 'inchikeys', 'source'):
            digest.update('\n'.join(getattr(self, name)).encode() + b'\0')
        for key, values in self.columns.items():
            digest.update(str(key).encode() + b'\0' + np.where(np.isnan(values), np.nan, values).tobytes())
        return digest.hexdigest()

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the table as HDF5, byte for byte the same for equal tables."""
        text = h5py.string_dtype()
        with h5py.File(target, 'w', track_order=False) as handle:
            handle.attrs['format'] = FORMAT
            for name, values in zip(TEXT_FIELDS, (self.smiles, self.inchikeys, self.source), strict=True):
                handle.create_dataset(name, data=np.array(values, dtype=object), dtype=text, shape=(len(values),))
            group = handle.create_group('columns')
            for number, (key, column) in enumerate(self.columns.items()):
                dataset = group.create_dataset(f'{number:04d}', data=column, track_times=False)
                dataset.attrs.update({'name': str(key), 'unit': key.definition.unit})

    @classmethod
    def read(cls, path: str | Path) -> 'MoleculeTable':
        """Return the table stored at ``path``.

        :raises OscError: when the file is damaged, refused by the guards or not a molecule table.
        """
        with open_checked(path) as handle:
            if handle.attrs.get('format') != FORMAT or not all(name in handle for name in (*TEXT_FIELDS, 'columns')):
                raise OscError(f'{path} is not a molecule table of format {FORMAT!r}')
            smiles, inchikeys, source = (tuple(handle[name].asstr()[()]) for name in TEXT_FIELDS)
            columns = {}
            for dataset in handle['columns'].values():
                key = Column.parse(str(dataset.attrs['name']))
                if dataset.attrs['unit'] != key.definition.unit:
                    raise OscError(f'column {key} of {path} is in {dataset.attrs["unit"]}, not {key.definition.unit}')
                columns[key] = dataset[()]
            return cls(smiles, inchikeys, source, columns)
