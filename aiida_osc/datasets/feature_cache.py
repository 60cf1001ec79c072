"""Features of data sets kept between the pieces of a training and between trainings, as HDF5 files in one folder."""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import h5py
import numpy as np

from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.errors import OscError

LOGGER = logging.getLogger(__name__)
#: Environment variable with the folder; when it is set to nothing, no features are kept.
VARIABLE = 'AIIDA_OSC_CACHE'
#: Molecules below which making the features takes no longer than reading them is worth.
LEAST = 500
#: Files that are kept, those used last.
KEPT = 16


def cache_folder() -> Path | None:
    """Return the folder that :data:`VARIABLE` names, or that of the user's caches; None for no cache."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache', 'aiida-osc')


def cached(kind: str, names: Sequence[str], make: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Return features from the cache, or make and keep them.

    A file is named by what the features follow from, and replaced as a whole, so processes can share the folder. One
    that is damaged, or cannot be written, costs time alone.

    :param kind: name of the features.
    :param names: all that they follow from: the SMILES of the data set, and versions and settings besides.
    :param make: returns the arrays by name.
    """
    folder = cache_folder()
    if folder is None or len(names) < LEAST:
        return make()
    digest = hashlib.sha256('\n'.join((kind, *names)).encode()).hexdigest()
    path = folder / f'{kind}-{digest[:40]}.h5'
    arrays = _read(path)
    if arrays is None:
        arrays = make()
        _write(path, arrays)
    return arrays


def _read(path: Path) -> Mapping[str, np.ndarray] | None:
    if not path.is_file():
        return None
    try:
        with open_checked(path) as handle:
            arrays = {name: handle[name][()] for name in handle}
            if handle.attrs['digest'] == _digest(arrays):
                with suppress(OSError):
                    path.touch()
                return arrays
    except OscError as exception:
        LOGGER.debug('%s', exception)
    LOGGER.debug('features of %s are damaged: made anew', path)
    return None


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    part = path.with_suffix(f'.{uuid4().hex}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(part, 'w') as handle:
            handle.attrs['digest'] = _digest(arrays)
            for name, array in arrays.items():
                handle.create_dataset(name, data=array, track_times=False, **_packing(array))
        part.replace(path)
        for old in sorted(path.parent.glob('*.h5'), key=lambda item: item.stat().st_mtime)[:-KEPT]:
            old.unlink()
    except OSError as exception:
        LOGGER.debug('features are not kept: %s', exception)
        with suppress(OSError):
            part.unlink()


def _packing(array: np.ndarray) -> dict[str, Any]:
    return {'compression': 'gzip', 'shuffle': True} if array.size else {}


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f'{name} {array.dtype.str} {array.shape}\n'.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
