"""Data sets that come with a package: written as a file, then read like any other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiida_osc.datasets import qm9
from aiida_osc.datasets.export import molecules_csv
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.errors import OscError

SOURCES = ('qm9', 'seed')


@contextmanager
def source_file(name: str, *, sample: int | None = None, seed: int = 0) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the path of a temporary CSV file with the data set and the settings to read it with.

    :param sample: number of molecules of ``qm9`` to draw at random with ``seed``.
    :raises OscError: when there is no such source, its package is missing or it cannot be sampled.
    """
    if name not in SOURCES:
        raise OscError(f'unknown source {name!r}: use {" or ".join(SOURCES)}')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f'{name}.csv')
        if name == 'qm9':
            qm9.write_qm9(path, sample=sample, seed=seed)
            yield path, {'columns': dict(qm9.COLUMNS), 'level': qm9.LEVEL, 'source': qm9.SOURCE}
        elif sample is not None:
            raise OscError('the seed set is not sampled: leave out --sample')
        else:
            path.write_text(molecules_csv(load_seed()), encoding='utf-8')
            yield path, {}
