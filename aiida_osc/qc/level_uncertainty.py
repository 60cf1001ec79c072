"""How far each level of theory is off, from labels of molecules whose values are published.

The numbers ship in ``level_uncertainty.csv``, which ``benchmarks/accuracy.py`` writes; nobody edits it.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib.resources import files

import numpy as np

from aiida_osc.datasets.columns import GAS
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.reference import KINDS, Reference, preferred
from aiida_osc.targets import get_target

FILE = 'level_uncertainty.csv'
#: Begins the lines that say what made the file.
COMMENT = '# '
#: A mean over fewer molecules says nothing of the next one.
FEWEST = 3


@dataclass(frozen=True)
class Deviation:
    """One computed value beside the published one, in eV."""

    level: str
    computed: float
    reference: Reference

    @property
    def error(self) -> float:
        """Return computed minus published."""
        return self.computed - self.reference.value


@dataclass(frozen=True)
class LevelError:
    """Errors of one target at one level over ``molecules`` molecules, in eV.

    :param kinds: the kinds of the published values, joined by ``+``.
    """

    target: str
    level: str
    molecules: int
    mean_signed_eV: float  # noqa: N815 - the name of the column
    mean_absolute_eV: float  # noqa: N815
    root_mean_square_eV: float  # noqa: N815
    kinds: str


def find_deviations(labels: MoleculeTable, references: Iterable[Reference]) -> tuple[Deviation, ...]:
    """Return every computed value that has a published one, in the order of the references, level by level.

    Only gas-phase columns count, and of several values for a molecule and target the preferred one.

    :param labels: computed values, NaN where there is none.
    """
    rows = labels.index()
    return tuple(
        Deviation(column.level, float(values[rows[item.inchikey]]), item)
        for item in preferred(references)
        if item.inchikey in rows
        for column, values in labels.columns.items()
        if column.target == item.target and column.environment == GAS and np.isfinite(values[rows[item.inchikey]])
    )


def compare(labels: MoleculeTable, references: Iterable[Reference]) -> tuple[LevelError, ...]:
    """Return the errors of each target at each level that the labels hold, sorted by level and target.

    :param labels: computed values, NaN where there is none.
    """
    groups: dict[tuple[str, str], list[Deviation]] = {}
    for item in find_deviations(labels, references):
        groups.setdefault((item.level, item.reference.target), []).append(item)
    return tuple(_summarise(level, target, groups[level, target]) for level, target in sorted(groups))


def write_errors(rows: Sequence[LevelError], command: str, versions: Mapping[str, str]) -> str:
    """Return the text of the file.

    :param command: what to type to make it again.
    :param versions: of the programs that made it.
    """
    made = ', '.join(f'{name} {version}' for name, version in sorted(versions.items()))
    text = io.StringIO(f'{COMMENT}written by: {command}\n{COMMENT}versions: {made}\n')
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(_names())
    for row in rows:
        writer.writerow(f'{cell:.4f}' if isinstance(cell, float) else cell for cell in astuple(row))
    return text.getvalue()


def read_errors(text: str) -> tuple[LevelError, ...]:
    """Return the rows of the file.

    :raises OscError: when a row is not what :func:`write_errors` writes.
    """
    lines = [line for line in text.splitlines() if not line.startswith(COMMENT.strip())]
    rows = list(csv.reader(lines))
    if not rows or tuple(rows[0]) != _names():
        raise OscError(f'{FILE} must have the columns {", ".join(_names())}: write it with benchmarks/accuracy.py')
    found = tuple(_parse(row) for row in rows[1:])
    if len({(item.target, item.level) for item in found}) != len(found):
        raise OscError(f'{FILE} has a target and level twice: write it with benchmarks/accuracy.py')
    return found


@cache
def load_errors() -> tuple[LevelError, ...]:
    """Return the rows that ship with the package."""
    return read_errors(files('aiida_osc.qc').joinpath(FILE).read_text(encoding='utf-8'))


def uncertainty(target: str, level: str) -> float | None:
    """Return the mean absolute error of a target at a level in eV, None where too few molecules tell it.

    :param target: name of a target.
    :param level: as in :class:`~aiida_osc.datasets.columns.Column`.
    """
    rows = (row for row in load_errors() if (row.target, row.level) == (target, level))
    return next((row.mean_absolute_eV for row in rows if row.molecules >= FEWEST), None)


def _summarise(level: str, target: str, group: Sequence[Deviation]) -> LevelError:
    errors = np.array([item.error for item in group])
    kinds = {item.reference.kind for item in group}
    return LevelError(
        target,
        level,
        len(group),
        float(errors.mean()),
        float(np.abs(errors).mean()),
        float(np.sqrt((errors**2).mean())),
        '+'.join(kind for kind in KINDS if kind in kinds),
    )


def _names() -> tuple[str, ...]:
    return tuple(item.name for item in fields(LevelError))


def _parse(row: Sequence[str]) -> LevelError:
    try:
        target, level, molecules, *errors, kinds = row
        signed, absolute, square = map(float, errors)
        found = LevelError(get_target(target).name, level, int(molecules), signed, absolute, square, kinds)
    except ValueError as exception:
        raise OscError(f'{FILE}: {row} cannot be read ({exception}): write it with benchmarks/accuracy.py') from None
    # Rounding to four digits may turn the order of equal numbers.
    ordered = abs(signed) <= absolute + 1e-3 and absolute <= square + 1e-3 < math.inf
    if found.molecules < 1 or not level or not ordered:
        raise OscError(f'{FILE}: {row} is no row of errors: write it with benchmarks/accuracy.py')
    return found
