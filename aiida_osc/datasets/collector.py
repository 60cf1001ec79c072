"""From records to rows of a table, one per InChIKey, with a note on everything that did not make it."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiida_osc.chem.molecules import Molecule
from aiida_osc.datasets.formats.rows import Record, origin_header
from aiida_osc.datasets.headers import Field
from aiida_osc.datasets.import_report import Duplicate, ImportReport, RefusedValue, Rejection
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.origins import OF_ROW
from aiida_osc.datasets.plausibility import is_plausible

#: Cells that mean: no value.
MISSING = frozenset({'', '-', 'na', 'n/a', 'nan', 'none', 'null'})


@dataclass(frozen=True)
class ImportResult:
    """A table of standardised molecules and what happened to each row of the file."""

    table: MoleculeTable
    report: ImportReport


def source_text(given: str | None, path: Path) -> str:
    """Return one line of printable text."""
    text = ' '.join((path.stem if given is None else given).split())
    return ''.join(character for character in text if character.isprintable())[:200]


def number(text: str) -> float:
    """Return the number written as ``text``, NaN when it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


class Collector:
    """Turns records into rows of a table, one per InChIKey; the labels are held as numbers, nothing of other cells."""

    def __init__(self, fields: Mapping[str, Field], source: str, source_from_cells: bool, tolerance: float) -> None:
        """Begin with nothing.

        :param fields: header -> what its cells are.
        :param source: where the molecules come from; with ``source_from_cells``, of those whose row does not say.
        :param tolerance: labels of one molecule that differ by more, in canonical units, are a conflict.
        """
        self.fields, self.source, self.source_from_cells, self.tolerance = fields, source, source_from_cells, tolerance
        self.seen = 0
        self.index: dict[str, int] = {}
        self.smiles: list[str] = []
        self.sources: list[str] = []
        self.lines = array('q')
        self.labels = {header: array('d') for header in fields}
        self.origins = {header: array('i') for header in fields}
        self.names: dict[str, int] = {}
        self.rejected: list[Rejection] = []
        self.refused: list[RefusedValue] = []
        self.duplicates: list[Duplicate] = []

    def add(self, record: Record, molecule: Molecule | str) -> None:
        """Take the record in, or note why not.

        :param molecule: what the record holds, or the reason why it holds none.
        """
        self.seen += 1
        if isinstance(molecule, str):
            self.rejected.append(Rejection(record.line, clip(record.text), molecule))
            return
        labels = self._labels(record)
        source = (self._text(record, 'source') if self.source_from_cells else '') or self.source
        origins = {header: self._text(record, origin_header(header)) or source for header in labels}
        codes = {header: self.names.setdefault(name, len(self.names)) for header, name in origins.items()}
        row = self.index.setdefault(molecule.inchikey, len(self.smiles))
        if row < len(self.smiles):
            self._merge(record.line, molecule.inchikey, row, labels, codes)
            return
        self.smiles.append(molecule.smiles)
        self.sources.append(source)
        self.lines.append(record.line)
        for header, values in self.labels.items():
            values.append(labels.get(header, math.nan))
            self.origins[header].append(codes.get(header, OF_ROW))

    def _text(self, record: Record, header: str) -> str:
        """Return a cell that names a source, empty when there is none."""
        return source_text(record.cells.get(header, '').removeprefix("'"), Path())

    def _labels(self, record: Record) -> dict[str, float]:
        """Return the possible values of the record, in canonical units, by header; note the others."""
        labels = {}
        for header, item in self.fields.items():
            text = record.cells.get(header, '').strip()
            if text.lower() in MISSING:
                continue
            value = item.factor * number(text)
            if is_plausible(value, item.column):
                labels[header] = value
            else:
                target = item.column.definition
                range_ = f'{target.low:g} to {target.high:g} {target.unit}'
                reason = 'not a number' if math.isnan(value) else f'{value:.6g} {target.unit} is outside {range_}'
                self.refused.append(RefusedValue(record.line, str(item.column), clip(text), reason))
        return labels

    def _merge(self, line: int, inchikey: str, row: int, labels: Mapping[str, float], codes: Mapping[str, int]) -> None:
        """Fill the gaps of the earlier row; where both have a value, the earlier one stays."""
        conflicts = []
        for header, value in labels.items():
            known = self.labels[header][row]
            if math.isnan(known):
                self.labels[header][row], self.origins[header][row] = value, codes[header]
            elif abs(known - value) > self.tolerance:
                conflicts.append(str(self.fields[header].column))
        self.duplicates.append(Duplicate(line, self.lines[row], inchikey, tuple(conflicts)))

    def result(self, unclear: tuple[str, ...], left_out: Mapping[str, str], notes: tuple[str, ...]) -> ImportResult:
        """Return the table and the report."""
        columns = {item.column: np.array(self.labels[header]) for header, item in self.fields.items()}
        origins = {item.column: np.array(self.origins[header]) for header, item in self.fields.items()}
        texts = tuple(self.smiles), tuple(self.index), tuple(self.sources)
        table = MoleculeTable(*texts, columns, origins, tuple(self.names))
        report = ImportReport(
            rows=self.seen,
            accepted=len(table),
            columns={header: str(item.column) for header, item in self.fields.items()},
            unclear=unclear,
            left_out=dict(left_out),
            notes=notes,
            rejected=tuple(self.rejected),
            refused_values=tuple(self.refused),
            duplicates=tuple(self.duplicates),
        )
        return ImportResult(table, report)


def clip(text: str) -> str:
    """Return at most 200 printable characters."""
    return ''.join(character if character.isprintable() else ' ' for character in text)[:200]
