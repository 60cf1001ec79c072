"""QM9 (doi 10.1038/sdata.2014.22) from the files of the PyPI package qm9pack."""

import csv
import importlib.util
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from aiida_osc.errors import OscError

LEVEL = 'B3LYP/6-31G(2df,p)//B3LYP/6-31G(2df,p)'
SOURCE = 'qm9'
#: Columns of the package -> target and unit; its atomic units of energy are hartree.
COLUMNS = {
    'HOMO_au': 'homo:hartree',
    'LUMO_au': 'lumo:hartree',
    'HOMO_LUMO_gap_au': 'gap:hartree',
    'Dipole_debye': 'dipole:debye',
    'Polarizability_bohr3': 'polarizability:bohr3',
}
_KEPT = ('SMILES', 'Index', *COLUMNS)


def write_qm9(target: str | Path, *, sample: int | None = None, seed: int = 0) -> int:
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


def read_rows(names: Sequence[str], *, sample: int | None = None, seed: int = 0) -> list[list[str]]:
    """Return columns of QM9 as text, in the order of QM9.

    :param sample: number of molecules drawn at random with ``seed``; all when not given.
    :raises OscError: when qm9pack is not installed, its files have changed or ``sample`` is not positive.
    """
    rows = list(_rows(_data_folder(), names))
    if sample is not None and sample < 1:
        raise OscError(f'sample of {sample} molecules: give a positive number')
    if sample is not None and sample < len(rows):
        rows = [rows[number] for number in sorted(random.Random(seed).sample(range(len(rows)), sample))]
    return rows


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
