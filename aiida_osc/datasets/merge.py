"""Union of molecule tables by InChIKey: in memory or from file to file, in slices, so that millions of rows fit."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.conflicts import Conflict, ConflictLog, MergeReport
from aiida_osc.datasets.molecule_file import (
    TEXT_FIELDS,
    MoleculeFile,
    check_texts,
    open_molecules,
    slices,
    write_molecules,
)
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.origins import OF_ROW, code_type, source_codes
from aiida_osc.datasets.readers import TOLERANCE
from aiida_osc.errors import OscError
from aiida_osc.settings import Settings
from aiida_osc.targets import get_target

#: Length of an InChIKey.
KEY_LENGTH = 27


@dataclass(frozen=True)
class MergeSettings(Settings):
    """When two values are different.

    :param tolerance: values that differ by more, in canonical units, are a conflict.
    :param tolerances: the same for single targets, by name.
    """

    tolerance: float = TOLERANCE
    tolerances: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises OscError: when a target is unknown or a tolerance is no number of at least 0.
        """
        for name, value in [('tolerance', self.tolerance), *self.tolerances.items()]:
            if name != 'tolerance':
                get_target(name)
            if not isinstance(value, int | float) or not 0 <= value < float('inf'):
                raise OscError(f'tolerance {value!r} of {name}: give a number of at least 0')

    def of(self, column: Column) -> float:
        """Return the tolerance of a column."""
        return self.tolerances.get(column.target, self.tolerance)


@dataclass(frozen=True)
class MergeResult:
    """The union, and what came of the merge."""

    table: MoleculeTable
    report: MergeReport


def merge_tables(
    tables: Mapping[str, MoleculeTable | MoleculeFile],
    settings: MergeSettings | None = None,
    *,
    conflicts: TextIO | None = None,
) -> MergeResult:
    """Return the union of named tables; earlier tables win in row order, source and value.

    Every value of the union keeps its origin: that of its table, or the source of its row there.

    :param conflicts: file, opened with ``newline=''``, that takes all conflicts as CSV.
    :raises OscError: when there is no table, or one holds a molecule twice.
    """
    union, log = _Union(tables), ConflictLog(conflicts)
    columns = list(union.columns(settings or MergeSettings(), log))
    table = MoleculeTable(
        **{name: tuple(itertools.chain.from_iterable(union.texts(name))) for name in TEXT_FIELDS},
        columns={key: values for key, values, _ in columns},
        origins={key: codes for key, _, codes in columns if codes is not None},
        origin_names=union.names,
    )
    return MergeResult(table, union.report(log))


def merge_files(
    sources: Mapping[str, str | Path | MoleculeTable],
    target: str | Path,
    settings: MergeSettings | None = None,
    *,
    conflicts: TextIO | None = None,
) -> MergeReport:
    """Write the union of HDF5 files, and of tables in memory, as an HDF5 file; see :func:`merge_tables`.

    In memory are the InChIKeys of all rows, one column of the union and a slice of one file.

    :param target: may be one of the sources: it is replaced when the union is complete.
    :raises OscError: also when a file is damaged or ``target`` cannot be written.
    """
    partial = Path(f'{target}.partial')
    with ExitStack() as stack:
        tables = {
            name: item if isinstance(item, MoleculeTable) else stack.enter_context(open_molecules(item))
            for name, item in sources.items()
        }
        union, log = _Union(tables), ConflictLog(conflicts)
        try:
            columns = union.columns(settings or MergeSettings(), log)
            write_molecules(partial, union.count, union.texts, columns, union.names)
            partial.replace(target)
        except OSError as exception:
            raise OscError(f'the union could not be written to {target}: {exception}') from None
        finally:
            if partial.exists():
                partial.unlink()
    return union.report(log)


class _Union:
    """The rows of the union, and its fields in slices.

    :ivar names: sources and origins of all tables, sorted.
    """

    def __init__(self, tables: Mapping[str, MoleculeTable | MoleculeFile]) -> None:
        if not tables:
            raise OscError('nothing to merge: give at least one molecule set')
        self._tables = tables
        self._keys = {name: _keys(table) for name, table in tables.items()}
        self.count, self._rows, self._fresh = _match(self._keys)
        names = {text for table in tables.values() for part in slices(len(table)) for text in table.source[part]}
        self.names = tuple(sorted(names.union(*(table.origin_names for table in tables.values()))))
        self._index = {text: code for code, text in enumerate(self.names)}
        self._kind = code_type(len(self.names))
        self._sources = {name: self._source_codes(table) for name, table in tables.items()}
        self._row_sources = np.empty(self.count, self._kind)
        for name, fresh in self._fresh.items():
            self._row_sources[self._rows[name][fresh]] = self._sources[name][fresh]

    def texts(self, name: str) -> Iterator[Sequence[str]]:
        """Yield one of the text fields in parts."""
        for key, table in self._tables.items():
            for part in slices(len(table)):
                texts = np.array(getattr(table, name)[part], dtype=object)[self._fresh[key][part]]
                check_texts(texts)
                yield texts

    def columns(
        self, settings: MergeSettings, note: Callable[[Conflict], None]
    ) -> Iterator[tuple[Column, np.ndarray, np.ndarray | None]]:
        """Yield each column with its values and, where they are not those of the rows, the codes of their origins."""
        for column in sorted({key for table in self._tables.values() for key in table.columns}):
            values, codes = np.full(self.count, np.nan), np.full(self.count, OF_ROW, self._kind)
            for name, table in self._tables.items():
                if column in table.columns:
                    self._fill(values, codes, column, name, settings.of(column), note)
            codes[codes == self._row_sources] = OF_ROW
            yield column, values, codes if (codes != OF_ROW).any() else None

    def report(self, log: ConflictLog) -> MergeReport:
        """Return what came of the merge, once its columns are done."""
        added = {name: int(fresh.sum()) for name, fresh in self._fresh.items()}
        return MergeReport(self.count, added, log.counts, tuple(log.first))

    def _fill(
        self,
        values: np.ndarray,
        codes: np.ndarray,
        column: Column,
        name: str,
        tolerance: float,
        note: Callable[[Conflict], None],
    ) -> None:
        """Fill the gaps of ``values`` and ``codes`` from the table called ``name``, and note what differs."""
        table = self._tables[name]
        for part in slices(len(table)):
            rows, given, origins = (
                self._rows[name][part],
                table.columns[column][part],
                self._origins(name, column, part),
            )
            if np.isinf(given).any():
                raise OscError(f'column {column} of {name} holds an infinite value')
            known = values[rows]
            for place in np.flatnonzero(np.abs(known - given) > tolerance):
                kept, dropped = float(known[place]), float(given[place])
                names = self.names[codes[rows[place]]], self.names[origins[place]]
                key = self._keys[name][part][place].decode()
                note(Conflict(key, str(column), kept, dropped, *names, name))
            fresh = np.isnan(known) & ~np.isnan(given)
            values[rows[fresh]] = given[fresh]
            codes[rows[fresh]] = origins[fresh]

    def _origins(self, name: str, column: Column, part: slice) -> np.ndarray:
        """Return the codes of the origins of a slice of a column, in the numbers of the union."""
        table, sources = self._tables[name], self._sources[name][part]
        if column not in table.origins:
            return sources
        codes = table.origins[column][part]
        if len(codes) and not (codes.min() >= OF_ROW and codes.max() < len(table.origin_names)):
            raise OscError(f'origins of {column} in {name} name what is not in their list')
        renumber = np.array([*(self._index[text] for text in table.origin_names), OF_ROW], self._kind)
        return np.where(codes == OF_ROW, sources, renumber[codes])

    def _source_codes(self, table: MoleculeTable | MoleculeFile) -> np.ndarray:
        parts = [source_codes(table.source[part], self._index).astype(self._kind) for part in slices(len(table))]
        return np.concatenate(parts) if parts else np.empty(0, self._kind)


def _keys(table: MoleculeTable | MoleculeFile) -> np.ndarray:
    """Return the InChIKeys as bytes, shape ``(count,)``."""
    keys = np.empty(len(table), f'S{KEY_LENGTH}')
    for part in slices(len(table)):
        texts = table.inchikeys[part]
        wrong = [text for text in texts if len(text) > KEY_LENGTH or not text.isascii()]
        if wrong:
            raise OscError(f'{wrong[0][:60]!r} is no InChIKey: import the set again from its original files')
        keys[part] = texts
    return keys


def _match(keys: Mapping[str, np.ndarray]) -> tuple[int, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the number of different keys and, for each table, the row of each in the union and whether it is new.

    Rows are in the order in which keys appear.

    :raises OscError: when a key stands twice in one table.
    """
    _, first, inverse = np.unique(np.concatenate(list(keys.values())), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    fresh = np.zeros(len(inverse), bool)
    fresh[first] = True
    ends = np.cumsum([len(item) for item in keys.values()])[:-1]
    rows = dict(zip(keys, np.split(rank[inverse], ends), strict=True))
    for name, places in rows.items():
        if len(places) and np.bincount(places).max() > 1:
            raise OscError(f'an InChIKey stands twice in {name}: import the set again, which merges its rows')
    return len(first), rows, dict(zip(keys, np.split(fresh, ends), strict=True))
