"""What is known of a published data set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.formats.delimited import read_delimited
from aiida_osc.datasets.formats.rows import Rows
from aiida_osc.errors import OscError

if TYPE_CHECKING:
    from aiida_osc.datasets.geometry_sources import Structure

#: What a field says where the set's own pages could not be consulted.
UNVERIFIED = 'not verified: see the page of the set'
#: What a field says of data that only the user knows.
YOURS = 'that of your data'
#: Reason why a column that nothing is said about was not read.
NO_TARGET = 'none of the properties of this package'


def as_given(path: Path) -> Path:
    """Return ``path``: the source is one file."""
    return path


@dataclass(frozen=True)
class Source:
    """A data set that is read by its name.

    :param citation: what to cite; like ``doi``, ``licence`` and ``url`` as seen with the set, or :data:`UNVERIFIED`.
    :param columns: header -> ``target:unit[@level[@environment]]``; None where a file speaks for itself, like any CSV.
    :param required: headers without which a file is not this set; all of ``columns`` when not given.
    :param forbidden: headers with which a file is another set.
    :param left_out: headers that are no target of ours -> why they are not read.
    :param identifiers: headers that name a row, of which nothing is said in a report.
    :param level: level of the columns that do not say theirs because the set does not; the user may know better.
    :param table: the file with the rows, where a folder is given.
    :param read: file -> rows.
    :param fetch: writes the set from an installed package as a CSV file, ``(target, sample, seed)``.
    :param structures: yields the structures of the set, ``(path, sample, seed)``, at ``geometry_level``.
    :param signs: numbers by header -> factor 1 or -1 for headers whose sign convention only the numbers tell.
    :param notes: what a user should know, in one or two sentences.
    """

    name: str
    title: str
    citation: str
    doi: str
    licence: str
    url: str
    columns: Mapping[str, str] | None = field(default_factory=dict)
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    smiles_column: str | None = 'smiles'
    level: str = ''
    table: Callable[[Path], Path] = as_given
    read: Callable[[Path, str | None], Rows] = read_delimited
    fetch: Callable[[Path, int | None, int], object] | None = None
    structures: Callable[[Path | None, int | None, int], Iterator['Structure']] | None = None
    geometry_level: str = ''
    signs: Callable[[Mapping[str, np.ndarray]], Mapping[str, float]] | None = None
    notes: str = ''

    def rows(self, path: Path) -> Rows:
        """Return the rows of a file of this set.

        :raises OscError: when the file is not what its name says.
        """
        table = self.table(path)
        if not table.is_file():
            raise OscError(f'file {table} does not exist')
        try:
            rows = self.read(table, self.smiles_column)
        except OscError as exception:
            raise OscError(f'{exception}; this is not {self.title}: {self.advice}') from None
        wrong = [
            f'no column {name!r}' for name in self.required or tuple(self.columns or ()) if name not in rows.headers
        ]
        wrong += [f'a column {name!r}' for name in self.forbidden if name in rows.headers]
        if wrong:
            columns = ', '.join(rows.headers)
            raise OscError(
                f'{table.name} is not {self.title}: it has {wrong[0]}, its columns are {columns}; {self.advice}'
            )
        return rows

    @property
    def advice(self) -> str:
        """Return what to do with a file that is not this set."""
        return f'give the file of {self.url}, or import this one without a source and say what its columns are'

    def mapping(self, headers: Sequence[str]) -> dict[str, str]:
        """Return the specification of the columns that are in the file."""
        return {name: text for name, text in (self.columns or {}).items() if name in headers}

    def not_read(self, headers: Sequence[str]) -> dict[str, str]:
        """Return why each further column of the file is left out; nothing where the file speaks for itself."""
        if self.columns is None:
            return {}
        known = {*self.columns, *self.identifiers, self.smiles_column}
        return {name: self.left_out.get(name, NO_TARGET) for name in headers if name and name not in known}

    def written_columns(self) -> list[Column]:
        """Return the columns that a complete file of the set gives."""
        columns = []
        for text in (self.columns or {}).values():
            target, *rest = text.split('@')
            columns.append(Column.parse('@'.join([target.partition(':')[0], *(rest or [self.level])])))
        return columns


def single_table(path: Path) -> Path:
    """Return the CSV file of a folder, or ``path`` itself when it is no folder.

    :raises OscError: when the folder holds none or several.
    """
    if not path.is_dir():
        return path
    tables = sorted(path.glob('*.csv'))
    if len(tables) != 1:
        raise OscError(f'{path} holds {len(tables)} *.csv files: give the one with the molecules')
    return tables[0]
