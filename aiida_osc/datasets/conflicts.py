"""Values of one molecule and column that differ between tables: counted, listed, written; never averaged."""

import csv
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from aiida_osc.datasets.export import escape_cell

#: Conflicts that a report lists; it counts all of them.
LISTED = 1000


@dataclass(frozen=True)
class Conflict:
    """Two tables give different values for one molecule and column; the earlier one stays.

    :param table: name of the table with the dropped value.
    """

    inchikey: str
    column: str
    kept: float
    dropped: float
    kept_origin: str
    dropped_origin: str
    table: str


@dataclass(frozen=True)
class MergeReport:
    """What came of a merge.

    :param added: for each table how many of its molecules were new.
    :param differing: for each table how many of its values differ from earlier ones, by column.
    :param conflicts: the first :data:`LISTED` of them.
    """

    molecules: int
    added: dict[str, int]
    differing: dict[str, dict[str, int]]
    conflicts: tuple[Conflict, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return {**asdict(self), 'conflicts': [asdict(conflict) for conflict in self.conflicts]}


class ConflictLog:
    """Counts conflicts, keeps the first and writes all of them as CSV where a file is given."""

    def __init__(self, handle: TextIO | None = None) -> None:
        """Begin the file.

        :param handle: opened for writing with ``newline=''``.
        """
        self.first: list[Conflict] = []
        self.counts: dict[str, dict[str, int]] = {}
        self._writer = None if handle is None else csv.writer(handle, lineterminator='\n')
        if self._writer is not None:
            self._writer.writerow(Conflict.__dataclass_fields__)

    def __call__(self, conflict: Conflict) -> None:
        """Take in a conflict."""
        counts = self.counts.setdefault(conflict.table, {})
        counts[conflict.column] = counts.get(conflict.column, 0) + 1
        if len(self.first) < LISTED:
            self.first.append(conflict)
        if self._writer is not None:
            cells = vars(conflict).values()
            self._writer.writerow([escape_cell(cell) if isinstance(cell, str) else repr(cell) for cell in cells])
