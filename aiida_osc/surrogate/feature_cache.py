"""Features of data sets kept between the pieces of a training and between trainings, as HDF5 files in one folder."""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import h5py
import numpy as np
import rdkit

from aiida_osc.chem.fingerprints import BITS, RADIUS
from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.errors import OscError
from aiida_osc.surrogate.featurise import FEATURES_VERSION

LOGGER = logging.getLogger(__name__)
#: Environment variable with the folder; when it is set to nothing, no features are kept.
VARIABLE = 'AIIDA_OSC_CACHE'
#: Molecules below which making the features takes no longer than reading them is worth.
LEAST = 500


def cache_folder() -> Path | None:
    """Return the folder that :data:`VARIABLE` names, or that of the user's caches; None for no cache."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache', 'aiida-osc')


def cached(kind: str, smiles: Sequence[str], make: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Return the features of ``smiles`` from the cache, or make and keep them.

    A file is named by the content of the data set and the versions of features and RDKit, and replaced as a whole, so
    processes can share the folder. One that is damaged, or cannot be written, costs time alone.

    :param kind: name of the features.
    :param make: returns the arrays by name.
    """
    folder = cache_folder()
    if folder is None or len(smiles) < LEAST:
        return make()
    path = folder / f'{_key(kind, smiles)}.h5'
    arrays = _read(path)
    if arrays is None:
        arrays = make()
        _write(path, arrays)
    return arrays


def _key(kind: str, smiles: Sequence[str]) -> str:
    versions = f'{kind} {FEATURES_VERSION} {RADIUS} {BITS} {rdkit.__version__}'
    return hashlib.sha256('\n'.join((versions, *smiles)).encode()).hexdigest()


def _read(path: Path) -> Mapping[str, np.ndarray] | None:
    if not path.is_file():
        return None
    try:
        with open_checked(path) as handle:
            arrays = {name: handle[name][()] for name in handle}
            if handle.attrs['digest'] == _digest(arrays):
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
                handle.create_dataset(name, data=array, track_times=False)
        part.replace(path)
    except OSError as exception:
        LOGGER.debug('features are not kept: %s', exception)
        with suppress(OSError):
            part.unlink()


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f'{name} {array.dtype.str} {array.shape}\n'.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
