"""Where single values of a molecule table come from: a small code per value, into a tuple of names."""

from collections.abc import Mapping, Sequence

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_file import check_texts
from aiida_osc.errors import OscError

#: Code of a value that comes from where its row does, and of a missing value.
OF_ROW = -1


def code_type(count: int) -> type[np.signedinteger]:
    """Return the smallest type for codes of ``count`` names."""
    return next((kind for kind in (np.int8, np.int16) if count <= np.iinfo(kind).max), np.int32)


def source_codes(source: Sequence[str], index: Mapping[str, int]) -> np.ndarray:
    """Return the code of the source of each row, -2 for those that have none; shape ``(count,)``."""
    return np.fromiter((index.get(text, OF_ROW - 1) for text in source), dtype=np.int32, count=len(source))


def canonical(
    origins: Mapping[Column, np.ndarray],
    names: Sequence[str],
    columns: Mapping[Column, np.ndarray],
    source: Sequence[str],
) -> tuple[dict[Column, np.ndarray], tuple[str, ...]]:
    """Return codes and names in the one form that equal origins have, so that they are hashed and written alike.

    Names are sorted and all used; a value that comes from the source of its row has :data:`OF_ROW`.

    :param origins: codes per column, each of shape ``(count,)``.
    :param names: what the codes mean.
    :raises OscError: when codes do not fit values or names.
    """
    if not origins:
        return {}, ()
    check_texts(names)
    ordered = sorted(set(names))
    places = {name: place for place, name in enumerate(ordered)}
    # The last entry is what OF_ROW is looked up as.
    renumber = np.array([*(places[name] for name in names), OF_ROW], dtype=np.int32)
    rows = source_codes(source, places)
    found = {}
    for column, given in origins.items():
        codes = np.asarray(given)
        values = columns.get(column)
        if values is None or codes.shape != values.shape or codes.dtype.kind not in 'iu':
            raise OscError(f'origins of {column} do not fit its values')
        if len(codes) and not (codes.min() >= OF_ROW and codes.max() < len(names)):
            raise OscError(f'origins of {column} name what is not in their list')
        codes = renumber[codes]
        codes[np.isnan(values) | (codes == rows)] = OF_ROW
        if (codes != OF_ROW).any():
            found[column] = codes
    used = np.unique(np.concatenate([np.unique(codes) for codes in found.values()])) if found else np.array([], int)
    used = used[used != OF_ROW]
    kind, shift = code_type(len(used)), np.full(len(ordered) + 1, OF_ROW)
    shift[used] = np.arange(len(used))
    return {key: shift[found[key]].astype(kind) for key in sorted(found)}, tuple(ordered[place] for place in used)
