"""Reader of CSV files: comma, semicolon or tab between cells, one header line."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aiida_osc.datasets.formats.rows import Record, Rows, read_text
from aiida_osc.errors import OscError

SMILES_NAMES = ('smiles', 'canonical_smiles', 'isomeric_smiles', 'smi')
DELIMITERS = ',;\t'


def read_delimited(path: Path, smiles_column: str | None = None) -> Rows:
    """Return the rows of a CSV file.

    :param smiles_column: name of the column with the SMILES; ``smiles`` in any case when not given.
    :raises OscError: when there is no such column, a name stands twice or the file is no CSV.
    """
    text = read_text(path)
    first = text.lstrip().splitlines()[0]
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=max(DELIMITERS, key=first.count))
    try:
        numbered = list(_numbered(reader))
    except csv.Error as exception:
        raise OscError(f'{path.name}, line {reader.line_num}: {exception}') from None
    headers = [name.strip() for name in numbered[0][1]]
    column = _smiles_column(path, headers, smiles_column)
    return Rows(tuple(headers), tuple(_record(line, cells, headers, column) for line, cells in numbered[1:]))


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line and the cells of each row that is not blank."""
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


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
