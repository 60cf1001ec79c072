"""The HDF5 file of a molecule table, written and read in slices, so that a million rows need little memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.errors import OscError

FORMAT = 'aiida-osc molecules 1'
#: Fields of a table with one text per row -> their members in the file.
TEXT_FIELDS = {'smiles': 'smiles', 'inchikeys': 'inchikey', 'source': 'source'}
#: Rows that are in memory at a time.
SLICE = 65536


def slices(count: int) -> Iterator[slice]:
    """Yield the slices that ``count`` rows are treated in."""
    return (slice(start, min(start + SLICE, count)) for start in range(0, count, SLICE))


def check_texts(texts: Iterable[str]) -> None:
    """Refuse texts that are not single lines.

    :raises OscError: with the first of them.
    """
    for text in texts:
        if '\n' in text or '\0' in text:
            raise OscError(f'{text!r} holds a line break or NUL: a molecule table holds single lines of text')


@dataclass(frozen=True)
class MoleculeFile:
    """The fields of a :class:`~aiida_osc.datasets.molecule_table.MoleculeTable` in an open file, read when sliced."""

    smiles: Any
    inchikeys: Any
    source: Any
    columns: Mapping[Column, Any]
    origins: Mapping[Column, Any]
    origin_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.smiles)


@contextmanager
def open_molecules(path: str | Path) -> Iterator[MoleculeFile]:
    """Open the molecule table stored at ``path``; its fields can be read within the block.

    :raises OscError: when the file is damaged, refused by the guards or not a molecule table.
    """
    with open_checked(path) as handle:
        members = (*TEXT_FIELDS.values(), 'columns')
        if handle.attrs.get('format') != FORMAT or not all(name in handle for name in members):
            raise OscError(f'{path} is not a molecule table of format {FORMAT!r}')
        texts = [handle[name].asstr() for name in TEXT_FIELDS.values()]
        columns = dict(sorted(_columns(handle['columns'], path)))
        origins = dict(_columns(handle['origins'], path)) if 'origins' in handle else {}
        names = tuple(handle['origin_names'].asstr()[()]) if origins else ()
        if len({len(item) for item in (*texts, *columns.values(), *origins.values())}) != 1 or origins.keys() - columns:
            raise OscError(f'{path} is damaged: its fields differ in length, or origins have no column')
        yield MoleculeFile(texts[0], texts[1], texts[2], columns, origins, names)


def _columns(group: h5py.Group, path: str | Path) -> Iterator[tuple[Column, h5py.Dataset]]:
    for dataset in group.values():
        key = Column.parse(str(dataset.attrs['name']))
        if dataset.attrs.get('unit', key.definition.unit) != key.definition.unit:
            raise OscError(f'column {key} of {path} is in {dataset.attrs["unit"]}, not {key.definition.unit}')
        yield key, dataset


def write_molecules(
    target: str | Path | BinaryIO,
    count: int,
    texts: Callable[[str], Iterable[Sequence[str]]],
    columns: Iterable[tuple[Column, np.ndarray, np.ndarray | None]],
    origin_names: Sequence[str],
) -> None:
    """Write a molecule table as HDF5, byte for byte the same for equal content.

    :param count: number of molecules.
    :param texts: returns one of :data:`TEXT_FIELDS` in parts, ``count`` texts in all.
    :param columns: each with its values and with the codes of their origins, both of shape ``(count,)``.
    :param origin_names: what the codes mean.
    """
    text = h5py.string_dtype()
    with h5py.File(target, 'w', track_order=False) as handle:
        handle.attrs['format'] = FORMAT
        for name, member in TEXT_FIELDS.items():
            dataset, start = handle.create_dataset(member, dtype=text, shape=(count,)), 0
            for part in texts(name):
                dataset[start : start + len(part)] = np.array(part, dtype=object)
                start += len(part)
        group = handle.create_group('columns')
        for number, (key, values, codes) in enumerate(columns):
            dataset = group.create_dataset(f'{number:04d}', data=values, track_times=False)
            dataset.attrs.update({'name': str(key), 'unit': key.definition.unit})
            if codes is not None:
                dataset = handle.require_group('origins').create_dataset(f'{number:04d}', data=codes, track_times=False)
                dataset.attrs['name'] = str(key)
        if 'origins' in handle:
            names = np.array(origin_names, dtype=object)
            handle.create_dataset('origin_names', data=names, dtype=text, shape=names.shape)
