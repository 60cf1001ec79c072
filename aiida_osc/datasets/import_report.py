"""What happened to every row of an imported file."""

import csv
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiida_osc.datasets.export import escape_cell


@dataclass(frozen=True)
class Rejection:
    """A row that gave no molecule."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class RefusedValue:
    """A cell that gave no label; its molecule was kept."""

    line: int
    column: str
    text: str
    reason: str


@dataclass(frozen=True)
class Duplicate:
    """A row with the InChIKey of an earlier one, and the columns in which the two differ (the earlier value stays)."""

    line: int
    first_line: int
    inchikey: str
    conflicts: tuple[str, ...]


@dataclass(frozen=True)
class ImportReport:
    """Counts and lists of one import.

    :param rows: records in the file.
    :param accepted: molecules in the table.
    :param columns: header -> written column.
    :param unclear: headers that look like a property but do not say their unit, and were left out.
    :param left_out: headers of a known data set that were not read -> why.
    :param notes: what else the reader of a known data set did.
    """

    rows: int
    accepted: int
    columns: dict[str, str]
    unclear: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    refused_values: tuple[RefusedValue, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()

    @property
    def conflicts(self) -> tuple[Duplicate, ...]:
        """Return the duplicates that contradict the earlier row."""
        return tuple(item for item in self.duplicates if item.conflicts)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        lists = {name: [asdict(item) for item in getattr(self, name)] for name in _LISTS}
        for item in lists['duplicates']:
            item['conflicts'] = list(item['conflicts'])
        return {
            'rows': self.rows,
            'accepted': self.accepted,
            'columns': dict(self.columns),
            'unclear': list(self.unclear),
            'left_out': dict(self.left_out),
            'notes': list(self.notes),
            **lists,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> 'ImportReport':
        """Return the report written by :meth:`to_dict`."""
        duplicates = (Duplicate(**{**item, 'conflicts': tuple(item['conflicts'])}) for item in data['duplicates'])
        return cls(
            rows=data['rows'],
            accepted=data['accepted'],
            columns=dict(data['columns']),
            unclear=tuple(data['unclear']),
            left_out=dict(data.get('left_out', {})),
            notes=tuple(data.get('notes', ())),
            rejected=tuple(Rejection(**item) for item in data['rejected']),
            refused_values=tuple(RefusedValue(**item) for item in data['refused_values']),
            duplicates=tuple(duplicates),
        )

    def write_rejected(self, path: str | Path) -> None:
        """Write every rejected row, refused value and conflicting duplicate as CSV: line, text, reason."""
        rows = [(item.line, item.text, item.reason) for item in self.rejected]
        rows += [(item.line, item.text, f'{item.column}: {item.reason}') for item in self.refused_values]
        rows += [
            (item.line, item.inchikey, f'differs from line {item.first_line} in {", ".join(item.conflicts)}')
            for item in self.conflicts
        ]
        with Path(path).open('w', newline='', encoding='utf-8') as handle:
            writer = csv.writer(handle, lineterminator='\n')
            writer.writerow(('line', 'text', 'reason'))
            writer.writerows((line, escape_cell(text), escape_cell(reason)) for line, text, reason in sorted(rows))


_LISTS = ('rejected', 'refused_values', 'duplicates')
