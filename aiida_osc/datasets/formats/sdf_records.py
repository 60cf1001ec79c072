"""Reader of SD files: structures with named data fields."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rdkit import Chem, RDLogger

from aiida_osc.datasets.formats.rows import Record, Rows, read_text

END = '$$$$'


def read_sdf(path: Path, smiles_column: str | None = None) -> Rows:
    """Return one record per molecule block; the data fields are the columns.

    :param smiles_column: not used: the structure comes from the block.
    :raises OscError: when the file is empty or not UTF-8.
    """
    del smiles_column
    records = tuple(_record(line, block) for line, block in _blocks(read_text(path).splitlines()))
    headers = dict.fromkeys(name for record in records for name in record.cells)
    return Rows(tuple(headers), records)


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line and the lines of each record."""
    start = 1
    block: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith(END):
            yield start, block
            start, block = number + 1, []
        else:
            block.append(line)
    if any(line.strip() for line in block):
        yield start, block


def _record(line: int, block: Sequence[str]) -> Record:
    ends = [number for number, content in enumerate(block) if content.startswith('M  END')]
    title = block[0].strip() if block else ''
    if not ends:
        return Record(line, title, problem='molecule block without "M  END"')
    cells = _fields(block[ends[0] + 1 :])
    RDLogger.DisableLog('rdApp.*')  # type: ignore[attr-defined]
    try:
        mol = Chem.MolFromMolBlock('\n'.join(block[: ends[0] + 1]) + '\n')
    finally:
        RDLogger.EnableLog('rdApp.*')  # type: ignore[attr-defined]
    if mol is None or not mol.GetNumAtoms():
        return Record(line, title, cells, problem='molecule block without atoms or with impossible valences')
    return Record(line, title or Chem.MolToSmiles(mol), cells, mol=mol)


def _fields(lines: Sequence[str]) -> dict[str, str]:
    """Return the data fields: ``> <NAME>``, lines of text, blank line."""
    fields: dict[str, str] = {}
    name = None
    for line in lines:
        if line.startswith('>') and '<' in line:
            name = line[line.index('<') + 1 : line.rindex('>') if '>' in line[1:] else len(line)].strip()
            fields[name] = ''
        elif not line.strip():
            name = None
        elif name is not None:
            fields[name] = f'{fields[name]} {line.strip()}'.strip()
    return fields
