"""Reading HDF5 files that may come from elsewhere: structure and size are checked before any data is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from aiida_osc.errors import OscError

#: Largest declared size of all data sets of one file, in bytes.
MAX_BYTES = 8 * 2**30


@contextmanager
def open_checked(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Iterator[h5py.File]:
    """Open ``path`` for reading after :func:`check_file` has accepted it.

    :raises OscError: when the file is missing, damaged or refused.
    """
    try:
        handle = h5py.File(path, 'r')
    except OSError as exception:
        raise OscError(f'{path} is not a readable HDF5 file: {exception}') from None
    with handle:
        try:
            check_file(handle, max_bytes=max_bytes)
            yield handle
        except OscError:
            raise
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError) as exception:
            # What h5py raises when a member has another kind, type or shape than expected, or cannot be read.
            raise OscError(f'{path} is damaged: {exception}') from exception


def check_file(handle: h5py.File, *, max_bytes: int = MAX_BYTES) -> None:
    """Refuse links that leave the file, external or virtual storage, object types and oversized declarations.

    :raises OscError: with the name of the first member that is refused.
    """
    total = 0
    for group, name in _walk(handle):
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise OscError(f'HDF5 member {name!r} is a link: only plain members are read')
        member = group[name]
        if not isinstance(member, h5py.Dataset):
            continue
        if member.external or member.is_virtual:
            raise OscError(f'HDF5 member {name!r} stores its data in other files: refused')
        if member.dtype.hasobject and h5py.check_string_dtype(member.dtype) is None:
            raise OscError(f'HDF5 member {name!r} has type {member.dtype}: only numbers and strings are read')
        total += member.size * member.dtype.itemsize
        if total > max_bytes:
            raise OscError(f'HDF5 file declares more than {max_bytes} bytes: refused')


def _walk(group: h5py.Group) -> Iterator[tuple[h5py.Group, str]]:
    """Yield every member below ``group``; links are yielded, never followed; each group is entered once."""
    seen, pending = set(), [group]
    while pending:
        current = pending.pop()
        for name in current:
            yield current, name
            if (
                isinstance(current.get(name, getlink=True), h5py.HardLink)
                and current.get(name, getclass=True) is h5py.Group
            ):
                child = current[name]
                address = h5py.h5o.get_info(child.id).addr
                if address not in seen:
                    seen.add(address)
                    pending.append(child)
