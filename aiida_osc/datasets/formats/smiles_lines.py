"""Reader of plain SMILES files: ``SMILES [name]`` per line, blank lines and lines that begin with ``# `` skipped."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from aiida_osc.datasets.formats.rows import Record, Rows, Streamed, read_lines


def read_smiles_lines(path: Path, smiles_column: str | None = None) -> Rows:
    """Return one record per line, read one at a time; a first line ``smiles ...`` is taken as a header.

    :param smiles_column: not used: the first word of a line is the SMILES.
    :raises OscError: when the file is empty or not UTF-8, which may be noticed when the records are gone through.
    """
    del smiles_column
    next(read_lines(path), None)  # says what is wrong with a file that is no text
    return Rows(('name',), Streamed(partial(_records, path)))


def _records(path: Path) -> Iterator[Record]:
    for line, content in enumerate(read_lines(path), start=1):
        words = content.split(maxsplit=1)
        if not words or words[0] == '#' or (line == 1 and words[0].lower() == 'smiles'):
            continue
        yield Record(line, words[0], {'name': words[1].strip()} if len(words) > 1 else {})
