"""The seed set that ships with the package: organic semiconductors by family, and their xTB labels."""

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from aiida_osc.chem.molecules import Molecule, standardise
from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE

SEED_FILE = 'seed.csv'
LABELS_FILE = 'seed_labels.csv'
SOURCE = 'seed'
ROLES = ('p-type', 'n-type', 'ambipolar', 'reference')


@dataclass(frozen=True)
class SeedEntry:
    """One molecule of the list; ``role`` is one of :data:`ROLES`."""

    smiles: str
    name: str
    family: str
    role: str


def seed_entries() -> list[SeedEntry]:
    """Return the list as it ships."""
    return [SeedEntry(**row) for row in _rows(SEED_FILE)]


def seed_roles() -> dict[str, str]:
    """Return the role of each InChIKey of the list."""
    entries = seed_entries()
    return {molecule.inchikey: entry.role for molecule, entry in zip(_molecules(), entries, strict=True)}


def load_seed(labelled: bool = True) -> MoleculeTable:
    """Return the seed set with its synthetic accessibility scores.

    :param labelled: add the shipped xTB labels; molecules without labels keep NaN.
    :raises OscError: when a shipped label belongs to no molecule of the list.
    """
    smiles = tuple(molecule.smiles for molecule in _molecules())
    keys = tuple(molecule.inchikey for molecule in _molecules())
    scores = {Column('sa_score', SA_SCORE): sa_scores(smiles)}
    table = MoleculeTable(smiles, keys, (SOURCE,) * len(keys), scores)
    return table.with_columns(_labels(table.index())) if labelled else table


@cache
def _molecules() -> tuple[Molecule, ...]:
    """Return the molecules of the list; it takes a second, so once per process."""
    return tuple(standardise(entry.smiles) for entry in seed_entries())


def _labels(index: dict[str, int]) -> dict[Column, np.ndarray]:
    """Return the shipped labels in the rows of ``index``, nothing while there is no file of labels."""
    if not files('aiida_osc.datasets.seed').joinpath(LABELS_FILE).is_file():
        return {}
    columns: dict[Column, np.ndarray] = {}
    for row in _rows(LABELS_FILE):
        if row['inchikey'] not in index:
            raise OscError(f'{LABELS_FILE} has a label for {row["inchikey"]}, which is not in {SEED_FILE}')
        for name, text in row.items():
            if '@' in name and text:
                values = columns.setdefault(Column.parse(name), np.full(len(index), np.nan))
                values[index[row['inchikey']]] = float(text)
    return columns


def _rows(name: str) -> list[dict[str, str]]:
    text = files('aiida_osc.datasets.seed').joinpath(name).read_text(encoding='utf-8')
    return list(csv.DictReader(io.StringIO(text)))
