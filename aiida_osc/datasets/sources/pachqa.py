"""PACHQA: chlorinated polycyclic hydrocarbons at three levels, one row per molecule and level."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from aiida_osc.datasets.formats.delimited import read_delimited
from aiida_osc.datasets.formats.rows import Record, Rows, Streamed
from aiida_osc.datasets.sources.source import UNVERIFIED, Source
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import GFN2

#: Value of the column ``level`` -> level, and that of the polarizability where it is another.
LEVELS = {'xtb2': GFN2, 'r2scan': 'r2SCAN-3c//r2SCAN-3c', 'd4tzvp': 'wB97X-D4/def2-TZVP//r2SCAN-3c'}
#: xtb prints the polarizability of its dispersion model, not the response to a field.
D4_MODEL = 'D4[GFN2-xTB]//GFN2-xTB'
PROPERTIES = {
    'homo': 'homo:eV',
    'lumo': 'lumo:eV',
    'gap': 'gap:eV',
    'Mu': 'dipole:debye',
    'alpha': 'polarizability:bohr3',
}
_NEEDED = ('key', 'level', *PROPERTIES)


def header(name: str, level: str) -> str:
    """Return how a property at one of :data:`LEVELS` is called in the rows."""
    return f'{name} {level}'


def read_levels(path: Path, smiles_column: str | None = None) -> Rows:
    """Return one record per molecule, with a column for each property and level.

    :raises OscError: when the file is no CSV or lacks a column.
    """
    rows = read_delimited(path, smiles_column)
    missing = [name for name in _NEEDED if name not in rows.headers]
    if missing:
        raise OscError(f'{path.name} has no column {missing[0]!r}, its columns are {", ".join(rows.headers)}')
    others = [name for name in rows.headers if name not in _NEEDED]
    names = [header(name, level) for level in LEVELS for name in PROPERTIES]

    def records() -> Iterator[Record]:
        for _, group in groupby(rows.records, key=lambda record: record.cells.get('key')):
            yield _joined(list(group))

    return Rows((*others, *names), Streamed(records))


def _joined(records: Sequence[Record]) -> Record:
    """Return the records of one molecule as one."""
    first = records[0]
    cells: dict[str, str] = {}
    problems = [record.problem for record in records if record.problem]
    for record in records:
        level = record.cells.get('level', '')
        if level not in LEVELS:
            problems.append(f'unknown level {level!r} in line {record.line}: known are {", ".join(LEVELS)}')
        cells |= {header(name, level): record.cells.get(name, '') for name in PROPERTIES}
    if len({record.text for record in records}) > 1:
        problems.append('rows of one key with several SMILES')
    return Record(first.line, first.text, cells, problem=problems[0] if problems else None)


def _columns() -> dict[str, str]:
    columns = {
        header(name, short): f'{text}@{level}' for short, level in LEVELS.items() for name, text in PROPERTIES.items()
    }
    columns[header('alpha', 'xtb2')] = f'{PROPERTIES["alpha"]}@{D4_MODEL}'
    return columns


SOURCE = Source(
    name='pachqa',
    title='PACHQA (props.csv)',
    citation='I. Sedov et al., PACHQA data set',
    doi=UNVERIFIED,
    licence='BSD-3-Clause, (c) 2024 Igor Sedov',
    url='https://github.com/sedovigor/PACHQA (property_parsing)',
    columns=_columns(),
    left_out=dict.fromkeys(('E', 'H', 'S', 'G', 'dE', 'dH', 'dS', 'dG', 'zpe'), 'a thermochemical quantity')
    | dict.fromkeys(('rotA', 'rotB', 'rotC'), 'a rotational constant')
    | {'tMu': 'a vector; its norm Mu is read'},
    identifiers=('id', 'subset', 'formula', 'mwt', 'nH', 'nC', 'nCl'),
    read=read_levels,
)
