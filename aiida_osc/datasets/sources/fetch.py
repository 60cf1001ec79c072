"""Data sets that come with a package: written as a file, then read like any other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiida_osc.datasets.sources.registry import get_source
from aiida_osc.errors import OscError


@contextmanager
def source_file(
    name: str, path: str | Path | None = None, *, sample: int | None = None, seed: int = 0
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the file with the molecules of a source and the settings to read it with.

    :param path: file or folder of the set; None for those that come with a package, which are written as a CSV file.
    :param sample: number of molecules to draw at random with ``seed``.
    :raises OscError: when there is no such source, its package is missing or it needs a file.
    """
    source = get_source(name)
    if source.fetch is None:
        if path is None:
            raise OscError(f'source {name} needs its file: give it before --source (it is found at {source.url})')
        drawn = {} if sample is None else {'sample': sample, 'seed': seed}
        yield source.table(Path(path)), {'source_name': name, **drawn}
        return
    if path is not None:
        raise OscError(f'source {name} comes with a package: give no file')
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f'{name}.csv')
        source.fetch(target, sample, seed)
        yield target, {'source_name': name}
