"""From a file of molecules and labels to a table and a report on every row that did not make it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aiida_osc.chem.molecules import MoleculeError, standardise, standardise_mol
from aiida_osc.datasets.columns import GAS
from aiida_osc.datasets.formats.delimited import read_delimited
from aiida_osc.datasets.formats.hdf5_rows import read_hdf5_rows
from aiida_osc.datasets.formats.rows import Record, Rows, origin_header
from aiida_osc.datasets.formats.sdf_records import read_sdf
from aiida_osc.datasets.formats.smiles_lines import read_smiles_lines
from aiida_osc.datasets.headers import Field, plan_fields
from aiida_osc.datasets.import_report import Duplicate, ImportReport, RefusedValue, Rejection
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.plausibility import check_scale, is_plausible
from aiida_osc.errors import OscError

FORMATS: dict[str, Callable[[Path, str | None], Rows]] = {
    'csv': read_delimited,
    'h5': read_hdf5_rows,
    'sdf': read_sdf,
    'smiles': read_smiles_lines,
}
SUFFIXES = {
    '.csv': 'csv',
    '.tsv': 'csv',
    '.h5': 'h5',
    '.hdf5': 'h5',
    '.sd': 'sdf',
    '.sdf': 'sdf',
    '.smi': 'smiles',
    '.smiles': 'smiles',
}
#: Cells that mean: no value.
MISSING = frozenset({'', '-', 'na', 'n/a', 'nan', 'none', 'null'})
#: Labels of one molecule that differ by less, in canonical units, are the same.
TOLERANCE = 1e-3
#: Keyword arguments of :func:`read_table`.
SETTINGS = frozenset({'columns', 'level', 'environment', 'smiles_column', 'source', 'file_format', 'tolerance'})


@dataclass(frozen=True)
class ImportResult:
    """A table of standardised molecules and what happened to each row of the file."""

    table: MoleculeTable
    report: ImportReport


def read_table(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    level: str | None = None,
    environment: str = GAS,
    smiles_column: str | None = None,
    source: str | None = None,
    file_format: str | None = None,
    tolerance: float = TOLERANCE,
) -> ImportResult:
    """Read a CSV, SMILES, SDF or HDF5 file of molecules; bad rows are reported, never fatal.

    :param columns: header -> ``target:unit[@level[@environment]]`` for headers that do not speak for themselves.
    :param level: level of theory of the columns that do not say theirs.
    :param smiles_column: column with the SMILES of a CSV file.
    :param source: where the molecules come from; the file's column ``source`` or its name when not given.
    :param file_format: one of ``csv``, ``smiles``, ``sdf``, ``h5``; by the suffix when not given.
    :param tolerance: labels of one molecule that differ by more, in canonical units, are a conflict.
    :raises OscError: when the file or a column as a whole cannot be used.
    """
    path = Path(path)
    rows = FORMATS[_format(path, file_format)](path, smiles_column)
    if not rows.records:
        raise OscError(f'{path.name} holds no molecule: give a file with at least one')
    fields, unclear = plan_fields(rows.headers, columns or {}, level, environment)
    for header, item in fields.items():
        numbers = [_number(record.cells.get(header, '')) for record in rows.records]
        check_scale(header, item.column, item.factor, np.array(numbers, dtype=float))
    collector = _Collector(fields, _source(source, path), source is None, tolerance)
    for record in rows.records:
        collector.add(record)
    return collector.result(len(rows.records), unclear)


def read_with_settings(path: str | Path, settings: Mapping[str, Any]) -> ImportResult:
    """Return :func:`read_table` with keyword arguments from a stored mapping.

    :raises OscError: also when a key is unknown.
    """
    unknown = sorted(set(settings) - SETTINGS)
    if unknown:
        raise OscError(f'unknown import settings {", ".join(unknown)}: use {", ".join(sorted(SETTINGS))}')
    return read_table(path, **settings)


def _format(path: Path, file_format: str | None) -> str:
    if not path.is_file():
        raise OscError(f'file {path} does not exist')
    name = file_format or SUFFIXES.get(path.suffix.lower(), '')
    if name not in FORMATS:
        raise OscError(
            f'{path.name}: unknown format {name or path.suffix!r}; use .csv, .smi, .sdf or .h5, or give the format: '
            f'{", ".join(FORMATS)}'
        )
    return name


def _source(given: str | None, path: Path) -> str:
    """Return one line of printable text."""
    text = ' '.join((path.stem if given is None else given).split())
    return ''.join(character for character in text if character.isprintable())[:200]


def _number(text: str) -> float:
    """Return the number written as ``text``, NaN when it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


@dataclass
class _Collector:
    """Turns records into rows of a table, one per InChIKey."""

    fields: Mapping[str, Field]
    source: str
    source_from_cells: bool
    tolerance: float
    molecules: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    labels: dict[str, dict[str, float]] = field(default_factory=dict)
    origins: dict[str, dict[str, str]] = field(default_factory=dict)
    rejected: list[Rejection] = field(default_factory=list)
    refused: list[RefusedValue] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Take the record in, or note why not."""
        try:
            if record.problem:
                raise MoleculeError(record.problem)
            molecule = standardise(record.text) if record.mol is None else standardise_mol(record.mol)
        except MoleculeError as exception:
            self.rejected.append(Rejection(record.line, _clip(record.text), str(exception)))
            return
        labels = self._labels(record)
        source = (self._text(record, 'source') if self.source_from_cells else '') or self.source
        origins = {header: self._text(record, origin_header(header)) or source for header in labels}
        if molecule.inchikey in self.molecules:
            self._merge(record.line, molecule.inchikey, labels)
            self.origins[molecule.inchikey] = {**origins, **self.origins[molecule.inchikey]}
            return
        self.molecules[molecule.inchikey] = (molecule.smiles, source, record.line)
        self.labels[molecule.inchikey], self.origins[molecule.inchikey] = labels, origins

    def _text(self, record: Record, header: str) -> str:
        """Return a cell that names a source, empty when there is none."""
        return _source(record.cells.get(header, '').removeprefix("'"), Path())

    def _labels(self, record: Record) -> dict[str, float]:
        """Return the possible values of the record, in canonical units, by header; note the others."""
        labels = {}
        for header, item in self.fields.items():
            text = record.cells.get(header, '').strip()
            if text.lower() in MISSING:
                continue
            value = item.factor * _number(text)
            if is_plausible(value, item.column):
                labels[header] = value
            else:
                target = item.column.definition
                range_ = f'{target.low:g} to {target.high:g} {target.unit}'
                reason = 'not a number' if math.isnan(value) else f'{value:.6g} {target.unit} is outside {range_}'
                self.refused.append(RefusedValue(record.line, str(item.column), _clip(text), reason))
        return labels

    def _merge(self, line: int, inchikey: str, labels: Mapping[str, float]) -> None:
        """Fill the gaps of the earlier row; where both have a value, the earlier one stays."""
        known = self.labels[inchikey]
        differing = [name for name, value in labels.items() if abs(known.get(name, value) - value) > self.tolerance]
        conflicts = tuple(str(self.fields[name].column) for name in differing)
        self.labels[inchikey] = {**labels, **known}
        self.duplicates.append(Duplicate(line, self.molecules[inchikey][2], inchikey, conflicts))

    def result(self, rows: int, unclear: tuple[str, ...]) -> ImportResult:
        """Return the table and the report."""
        columns = {
            item.column: np.array([self.labels[key].get(header, math.nan) for key in self.molecules])
            for header, item in self.fields.items()
        }
        sources = sorted({origin for origins in self.origins.values() for origin in origins.values()})
        codes = {'': -1, **{name: code for code, name in enumerate(sources)}}
        table = MoleculeTable(
            tuple(smiles for smiles, _, _ in self.molecules.values()),
            tuple(self.molecules),
            tuple(source for _, source, _ in self.molecules.values()),
            columns,
            {
                item.column: np.array([codes[self.origins[key].get(header, '')] for key in self.molecules], dtype=int)
                for header, item in self.fields.items()
            },
            tuple(sources),
        )
        names = {header: str(item.column) for header, item in self.fields.items()}
        lists = (tuple(self.rejected), tuple(self.refused), tuple(self.duplicates))
        return ImportResult(table, ImportReport(rows, len(table), names, unclear, *lists))


def _clip(text: str) -> str:
    """Return at most 200 printable characters."""
    return ''.join(character if character.isprintable() else ' ' for character in text)[:200]
