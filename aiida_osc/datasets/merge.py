"""Union of molecule tables by InChIKey."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import TOLERANCE
from aiida_osc.errors import OscError


@dataclass(frozen=True)
class Conflict:
    """Two tables give different values for one molecule and column; the earlier one stays."""

    inchikey: str
    column: str
    kept: float
    dropped: float
    table: str


@dataclass(frozen=True)
class MergeResult:
    """The union, and for each table how many of its molecules were new."""

    table: MoleculeTable
    added: dict[str, int]
    conflicts: tuple[Conflict, ...]

    def report(self) -> dict[str, Any]:
        """Return counts and conflicts as plain JSON types."""
        return {
            'molecules': len(self.table),
            'added': dict(self.added),
            'conflicts': [asdict(conflict) for conflict in self.conflicts],
        }


def merge_tables(tables: Mapping[str, MoleculeTable], *, tolerance: float = TOLERANCE) -> MergeResult:
    """Return the union of named tables; earlier tables win in row order, source and value.

    :param tolerance: values that differ by more, in canonical units, are a conflict.
    :raises OscError: when there is no table.
    """
    if not tables:
        raise OscError('nothing to merge: give at least one molecule set')
    rows: dict[str, tuple[str, str]] = {}
    added = {}
    for name, table in tables.items():
        before = len(rows)
        for key, smiles, source in zip(table.inchikeys, table.smiles, table.source, strict=True):
            rows.setdefault(key, (smiles, source))
        added[name] = len(rows) - before
    union = MoleculeTable(
        tuple(smiles for smiles, _ in rows.values()), tuple(rows), tuple(source for _, source in rows.values())
    )
    return _with_labels(union, tables, added, tolerance)


def _with_labels(
    union: MoleculeTable, tables: Mapping[str, MoleculeTable], added: dict[str, int], tolerance: float
) -> MergeResult:
    index = union.index()
    columns = {key: np.full(len(union), np.nan) for table in tables.values() for key in table.columns}
    conflicts = []
    for name, table in tables.items():
        rows = np.array([index[key] for key in table.inchikeys], dtype=int)
        for column, values in table.columns.items():
            known = columns[column][rows]
            differs = np.abs(known - values) > tolerance
            for row in np.flatnonzero(differs):
                kept, dropped = float(known[row]), float(values[row])
                conflicts.append(Conflict(table.inchikeys[row], str(column), kept, dropped, name))
            columns[column][rows] = np.where(np.isnan(known), values, known)
    return MergeResult(union.with_columns(columns), added, tuple(conflicts))
