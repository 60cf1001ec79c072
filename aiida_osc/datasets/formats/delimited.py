"""Reader of CSV files: comma, semicolon or tab between cells, one header line."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from aiida_osc.datasets.formats.rows import Record, Rows, Streamed, read_lines
from aiida_osc.errors import OscError

SMILES_NAMES = ('smiles', 'canonical_smiles', 'isomeric_smiles', 'smi')
DELIMITERS = ',;\t'


def read_delimited(path: Path, smiles_column: str | None = None) -> Rows:
    """Return the rows of a CSV file, which is read a line at a time.

    :param smiles_column: name of the column with the SMILES; ``smiles`` in any case when not given.
    :raises OscError: when there is no such column, a name stands twice or the file is no CSV; the last of these, and
        text that is not UTF-8, may be noticed only when the records are gone through.
    """
    first = next(line for line in read_lines(path) if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    headers = tuple(name.strip() for name in next(_numbered(path, delimiter))[1])
    column = _smiles_column(path, headers, smiles_column)

    def records() -> Iterator[Record]:
        for line, cells in islice(_numbered(path, delimiter), 1, None):
            yield _record(line, cells, headers, column)

    return Rows(headers, Streamed(records))


def _numbered(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line and the cells of each row that is not blank."""
    reader = csv.reader(read_lines(path), delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as exception:
        raise OscError(f'{path.name}, line {reader.line_num}: {exception}') from None


def _smiles_column(path: Path, headers: Sequence[str], wanted: str | None) -> str:
    twice = sorted({name for name in headers if name and headers.count(name) > 1})
    if twice:
        raise OscError(f'{path.name} has more than one column {twice[0]!r}: rename one')
    found = [name for name in headers if (name == wanted if wanted else name.lower() in SMILES_NAMES)]
    if not found:
        raise OscError(
            f'{path.name} has no column {wanted or "smiles"!r}: its columns are {", ".join(headers)}; '
            'name the one with the SMILES (--smiles-column)'
        )
    return found[0]


def _record(line: int, cells: Sequence[str], headers: Sequence[str], smiles_column: str) -> Record:
    row = dict(zip(headers, (cell.strip() for cell in cells), strict=False))
    problem = None
    if len(cells) != len(headers):
        problem = f'{len(cells)} cells where the header has {len(headers)}'
    return Record(line, row.get(smiles_column, ''), row, problem=problem)
