"""From a file of molecules and labels to a table and a report on every row that did not make it."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aiida_osc.datasets.collector import Collector, ImportResult, number, source_text
from aiida_osc.datasets.columns import GAS
from aiida_osc.datasets.formats.delimited import read_delimited
from aiida_osc.datasets.formats.hdf5_rows import read_hdf5_rows
from aiida_osc.datasets.formats.rows import Rows
from aiida_osc.datasets.formats.sdf_records import read_sdf
from aiida_osc.datasets.formats.smiles_lines import read_smiles_lines
from aiida_osc.datasets.headers import Field, plan_fields
from aiida_osc.datasets.plausibility import check_scale
from aiida_osc.datasets.sampling import draw
from aiida_osc.datasets.sources.registry import get_source
from aiida_osc.datasets.sources.source import Source
from aiida_osc.datasets.standardising import standardised
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
#: Labels of one molecule that differ by less, in canonical units, are the same.
TOLERANCE = 1e-3
#: Keyword arguments of :func:`read_table`.
SETTINGS = frozenset(
    {'columns', 'level', 'environment', 'smiles_column', 'source', 'source_name', 'file_format', 'tolerance'}
    | {'sample', 'seed', 'jobs'}
)


def read_table(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    level: str | None = None,
    environment: str = GAS,
    smiles_column: str | None = None,
    source: str | None = None,
    source_name: str | Source | None = None,
    file_format: str | None = None,
    tolerance: float = TOLERANCE,
    sample: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> ImportResult:
    """Read a CSV, SMILES, SDF or HDF5 file of molecules, or a known data set; bad rows are reported, never fatal.

    :param columns: header -> ``target:unit[@level[@environment]]`` for headers that do not speak for themselves.
    :param level: level of theory of the columns that do not say theirs.
    :param smiles_column: column with the SMILES of a CSV file.
    :param source: where the molecules come from; the file's column ``source`` or its name when not given.
    :param source_name: known data set that the file is, see :mod:`aiida_osc.datasets.sources.registry`; it says what
        the columns are.
    :param file_format: one of ``csv``, ``smiles``, ``sdf``, ``h5``; by the suffix when not given.
    :param tolerance: labels of one molecule that differ by more, in canonical units, are a conflict.
    :param sample: rows to draw at random with ``seed``; all when not given.
    :param jobs: processes that standardise the molecules.
    :raises OscError: when the file or a column as a whole cannot be used.
    """
    path = Path(path)
    known = source_name if source_name is None or isinstance(source_name, Source) else get_source(source_name)
    rows = open_rows(path, smiles_column, file_format) if known is None else known.rows(path)
    if known is None or known.columns is None:
        planned, unclear = plan_fields(rows.headers, columns or {}, level, environment)
    elif columns or smiles_column or file_format or environment != GAS or (level and not known.level):
        raise OscError(f'source {known.name} knows its columns, units and levels: leave out what you say of them')
    else:
        mapping = known.mapping(rows.headers)
        planned, unclear = plan_fields(tuple(mapping), mapping, level or known.level)
    fields, notes = _checked(path, rows, planned, known)
    name = source if source is not None or known is None else known.name
    collector = Collector(fields, source_text(name, path), name is None, tolerance)
    for record, molecule in standardised(draw(rows.records, sample, seed), jobs):
        collector.add(record, molecule)
    return collector.result(unclear, {} if known is None else known.not_read(rows.headers), notes)


def open_rows(path: str | Path, smiles_column: str | None = None, file_format: str | None = None) -> Rows:
    """Return columns and records of a file as they stand there.

    :param smiles_column: column with the SMILES of a CSV file.
    :param file_format: one of ``csv``, ``smiles``, ``sdf``, ``h5``; by the suffix when not given.
    :raises OscError: when the file cannot be used.
    """
    return FORMATS[_format(Path(path), file_format)](Path(path), smiles_column)


def read_with_settings(path: str | Path, settings: Mapping[str, Any]) -> ImportResult:
    """Return :func:`read_table` with keyword arguments from a stored mapping.

    :raises OscError: also when a key is unknown.
    """
    unknown = sorted(set(settings) - SETTINGS)
    if unknown:
        raise OscError(f'unknown import settings {", ".join(unknown)}: use {", ".join(sorted(SETTINGS))}')
    return read_table(path, **settings)


def _checked(
    path: Path, rows: Rows, fields: Mapping[str, Field], known: Source | None
) -> tuple[dict[str, Field], tuple[str, ...]]:
    """Return the fields with the signs that the numbers tell, and a note on each that was turned.

    :raises OscError: when there is no row, or a column only makes sense in another unit.
    """
    count, raw = _numbers(rows, fields)
    if not count:
        raise OscError(f'{path.name} holds no molecule: give a file with at least one')
    signs = known.signs(raw) if known is not None and known.signs is not None else {}
    checked, notes = dict(fields), []
    for header, sign in signs.items():
        if sign < 0:
            checked[header] = replace(fields[header], factor=-fields[header].factor)
            notes.append(f'column {header!r} has the opposite sign of {fields[header].column.target}: turned')
    for header, item in checked.items():
        check_scale(header, item.column, item.factor, raw[header])
    return checked, tuple(notes)


def _numbers(rows: Rows, fields: Mapping[str, Field]) -> tuple[int, dict[str, np.ndarray]]:
    """Return the number of records, and the numbers of each column as the file has them, NaN where there is none."""
    numbers = {header: array('d') for header in fields}
    count = 0
    for record in rows.records:
        count += 1
        for header, values in numbers.items():
            values.append(number(record.cells.get(header, '')))
    return count, {header: np.array(values) for header, values in numbers.items()}


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
