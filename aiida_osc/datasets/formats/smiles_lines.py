"""Reader of plain SMILES files: ``SMILES [name]`` per line, blank lines and lines that begin with ``# `` skipped."""

from pathlib import Path

from aiida_osc.datasets.formats.rows import Record, Rows, read_text


def read_smiles_lines(path: Path, smiles_column: str | None = None) -> Rows:
    """Return one record per line; a first line ``smiles ...`` is taken as a header.

    :param smiles_column: not used: the first word of a line is the SMILES.
    :raises OscError: when the file is empty or not UTF-8.
    """
    del smiles_column
    records = []
    for line, content in enumerate(read_text(path).splitlines(), start=1):
        words = content.split(maxsplit=1)
        if not words or words[0] == '#' or (line == 1 and words[0].lower() == 'smiles'):
            continue
        records.append(Record(line, words[0], {'name': words[1].strip()} if len(words) > 1 else {}))
    return Rows(('name',), tuple(records))
