"""QM9 (doi 10.1038/sdata.2014.22) from the files of the PyPI package qm9pack."""

import ast
import csv
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rdkit import Chem

from aiida_osc.datasets.geometry_sources import Structure
from aiida_osc.datasets.sampling import draw
from aiida_osc.datasets.sources.source import Source
from aiida_osc.errors import OscError

LEVEL = 'B3LYP/6-31G(2df,p)//B3LYP/6-31G(2df,p)'
#: Columns of the package -> target, unit and level; its atomic units of energy are hartree.
COLUMNS = {
    'HOMO_au': f'homo:hartree@{LEVEL}',
    'LUMO_au': f'lumo:hartree@{LEVEL}',
    'HOMO_LUMO_gap_au': f'gap:hartree@{LEVEL}',
    'Dipole_debye': f'dipole:debye@{LEVEL}',
    'Polarizability_bohr3': f'polarizability:bohr3@{LEVEL}',
}
_KEPT = ('SMILES', 'Index', *COLUMNS)
#: Level of the structures.
GEOMETRY_LEVEL = 'B3LYP/6-31G(2df,p)'


def write_qm9(target: str | Path, sample: int | None = None, seed: int = 0) -> int:
    """Write SMILES, index and labels of QM9 as a CSV file and return the number of molecules.

    The package's own reader needs the retired ``pkg_resources``, so its CSV files are read directly.

    :param sample: number of molecules drawn at random with ``seed``, in the order of QM9; all when not given.
    :raises OscError: when qm9pack is not installed, its files have changed or ``sample`` is not positive.
    """
    rows = read_rows(_KEPT, sample=sample, seed=seed)
    with Path(target).open('w', newline='', encoding='utf-8') as handle:
        writer = csv.writer(handle, lineterminator='\n')
        writer.writerow(_KEPT)
        writer.writerows(rows)
    return len(rows)


def qm9_structures(path: Path | None = None, sample: int | None = None, seed: int = 0) -> Iterator[Structure]:
    """Yield the structures of QM9, or of the molecules that :func:`write_qm9` would draw.

    :param path: not used: the set comes with a package.
    :raises OscError: when qm9pack is not installed, its files have changed or ``sample`` is not positive.
    """
    del path
    table = Chem.GetPeriodicTable()
    for row in read_rows(('Index', 'SMILES', 'Elements', 'XYZ_Ang'), sample=sample, seed=seed):
        numbers = np.array([table.GetAtomicNumber(symbol) for symbol in ast.literal_eval(row[2])])
        yield Structure(f'qm9 {row[0]}', row[1], numbers, np.array(ast.literal_eval(row[3]), dtype=float))


def read_rows(names: Sequence[str], *, sample: int | None = None, seed: int = 0) -> list[list[str]]:
    """Return columns of QM9 as text, in the order of QM9.

    :param sample: number of molecules drawn at random with ``seed``; all when not given.
    :raises OscError: when qm9pack is not installed, its files have changed or ``sample`` is not positive.
    """
    return list(draw(list(_rows(_data_folder(), names)), sample, seed))


def _data_folder() -> Path:
    spec = importlib.util.find_spec('qm9pack')
    if spec is None or not spec.submodule_search_locations:
        raise OscError("QM9 needs the package qm9pack: pip install 'aiida-osc[qm9]'")
    return Path(next(iter(spec.submodule_search_locations)), 'data')


def _rows(folder: Path, names: Sequence[str]) -> Iterator[list[str]]:
    parts = sorted(folder.glob('qm9_part*.csv'))
    if not parts:
        raise OscError(f'qm9pack holds no qm9_part*.csv in {folder}: install qm9pack 1.0.3')
    # The cells with frequencies and geometries are longer than csv's default limit allows.
    limit = csv.field_size_limit(2**31 - 1)
    try:
        for part in parts:
            yield from _part_rows(part, names)
    finally:
        csv.field_size_limit(limit)


def _part_rows(part: Path, names: Sequence[str]) -> Iterator[list[str]]:
    with part.open(newline='', encoding='utf-8') as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in names if name not in (reader.fieldnames or ())]
        if missing:
            raise OscError(f'{part.name} of qm9pack has no column {missing[0]}: install qm9pack 1.0.3')
        for row in reader:
            yield [row[name] for name in names]


SOURCE = Source(
    name='qm9',
    title='QM9, small molecules of C, H, N, O and F',
    citation='Ramakrishnan et al., Sci. Data 1, 140022 (2014)',
    doi='10.1038/sdata.2014.22',
    licence='MIT (package qm9pack); the data: not verified, see their page',
    url='https://pypi.org/project/qm9pack',
    columns=COLUMNS,
    identifiers=('Index',),
    smiles_column='SMILES',
    fetch=write_qm9,
    structures=qm9_structures,
    geometry_level=GEOMETRY_LEVEL,
)
