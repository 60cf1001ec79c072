"""The plain science object behind ``MoleculeSetData``: molecules with one float column per (target, level)."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_file import TEXT_FIELDS, check_texts, open_molecules, slices, write_molecules
from aiida_osc.datasets.origins import OF_ROW, canonical
from aiida_osc.errors import OscError


@dataclass(frozen=True)
class MoleculeTable:
    """Molecules keyed by InChIKey; missing labels are NaN.

    :param smiles: canonical isomeric SMILES of the standardised neutral parent, one per molecule.
    :param inchikeys: standard InChIKeys, unique.
    :param source: where each molecule comes from, free text such as ``seed`` or ``jtvae``.
    :param columns: values per column, each of shape ``(count,)``, float64, in the canonical unit of its target.
    :param origins: where values come from that do not come from the source of their row: per column codes of shape
        ``(count,)`` into ``origin_names``, -1 for the source of the row.
    :raises OscError: when lengths differ, keys repeat, a value is infinite or origins do not fit.
    """

    smiles: tuple[str, ...] = ()
    inchikeys: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    columns: Mapping[Column, np.ndarray] = field(default_factory=dict)
    origins: Mapping[Column, np.ndarray] = field(default_factory=dict)
    origin_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Normalise the types and check the invariants."""
        for name in TEXT_FIELDS:
            object.__setattr__(self, name, tuple(str(item) for item in getattr(self, name)))
        ordered = {key: np.asarray(self.columns[key], dtype=np.float64) for key in sorted(self.columns)}
        object.__setattr__(self, 'columns', ordered)
        if not len(self.smiles) == len(self.inchikeys) == len(self.source):
            raise OscError('smiles, inchikeys and source differ in length')
        if len(set(self.inchikeys)) != len(self.inchikeys):
            raise OscError('an InChIKey stands twice in a molecule table: merge the rows first')
        for name in TEXT_FIELDS:
            check_texts(getattr(self, name))
        for key, values in ordered.items():
            if values.shape != (len(self),):
                raise OscError(f'column {key} has shape {values.shape} for {len(self)} molecules')
            if np.isinf(values).any():
                raise OscError(f'column {key} holds an infinite value')
        origins, names = canonical(self.origins, self.origin_names, ordered, self.source)
        object.__setattr__(self, 'origins', origins)
        object.__setattr__(self, 'origin_names', names)

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.smiles)

    def values(self, column: Column) -> np.ndarray:
        """Return the values of ``column``, all NaN when the table does not have it; shape ``(count,)``."""
        return self.columns[column] if column in self.columns else np.full(len(self), np.nan)

    def index(self) -> dict[str, int]:
        """Return the row of each InChIKey."""
        return {key: row for row, key in enumerate(self.inchikeys)}

    def origin(self, column: Column, row: int) -> str | None:
        """Return where the value of ``column`` in ``row`` comes from, None when it is missing."""
        if np.isnan(self.values(column)[row]):
            return None
        code = OF_ROW if column not in self.origins else int(self.origins[column][row])
        return self.source[row] if code == OF_ROW else self.origin_names[code]

    def take(self, rows: Iterable[int]) -> 'MoleculeTable':
        """Return the table of the given rows, in that order."""
        picked = [int(row) for row in rows]
        return replace(
            self,
            **{name: tuple(getattr(self, name)[row] for row in picked) for name in TEXT_FIELDS},
            columns={key: values[picked] for key, values in self.columns.items()},
            origins={key: codes[picked] for key, codes in self.origins.items()},
        )

    def with_columns(self, columns: Mapping[Column, np.ndarray]) -> 'MoleculeTable':
        """Return the table with ``columns`` added or replaced; their values come from the source of their row."""
        origins = {key: codes for key, codes in self.origins.items() if key not in columns}
        return replace(self, columns={**self.columns, **columns}, origins=origins)

    def only(self, columns: Collection[Column]) -> 'MoleculeTable':
        """Return the table with no other columns than these."""
        kept = {key: values for key, values in self.columns.items() if key in columns}
        return replace(self, columns=kept, origins={key: self.origins[key] for key in self.origins if key in kept})

    def coverage(self) -> dict[str, int]:
        """Return the number of labels per column, keyed by the written form of the column."""
        return {str(key): int(np.isfinite(values).sum()) for key, values in self.columns.items()}

    def content_hash(self) -> str:
        """Return a SHA-256 of the content, equal for equal tables in equal order."""
        digest = hashlib.sha256()
        for name in TEXT_FIELDS:
            digest.update('\n'.join(getattr(self, name)).encode() + b'\0')
        for key, values in self.columns.items():
            digest.update(str(key).encode() + b'\0' + np.where(np.isnan(values), np.nan, values).tobytes())
        if self.origins:
            digest.update('\n'.join(('origins', *self.origin_names)).encode() + b'\0')
        for key, codes in self.origins.items():
            digest.update(str(key).encode() + b'\0' + codes.tobytes())
        return digest.hexdigest()

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the table as HDF5, byte for byte the same for equal tables."""
        columns = ((key, values, self.origins.get(key)) for key, values in self.columns.items())
        write_molecules(target, len(self), self._texts, columns, self.origin_names)

    def _texts(self, name: str) -> Iterator[tuple[str, ...]]:
        return (getattr(self, name)[part] for part in slices(len(self)))

    @classmethod
    def read(cls, path: str | Path) -> 'MoleculeTable':
        """Return the table stored at ``path``.

        :raises OscError: when the file is damaged, refused by the guards or not a molecule table.
        """
        with open_molecules(path) as stored:
            known: dict[str, str] = {}  # few sources, many rows: one string each
            return cls(
                tuple(stored.smiles[()]),
                tuple(stored.inchikeys[()]),
                tuple(known.setdefault(text, text) for text in stored.source[()]),
                {key: values[()] for key, values in stored.columns.items()},
                {key: codes[()] for key, codes in stored.origins.items()},
                stored.origin_names,
            )
