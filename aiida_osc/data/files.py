"""What the data nodes share: one file of constant name, read through a temporary path."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiida.orm import Data


@contextmanager
def as_path(node: Data, name: str) -> Iterator[Path]:
    """Yield a path that holds the content of the repository file ``name`` of ``node``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        with node.base.repository.open(name, 'rb') as source, path.open('wb') as target:
            while chunk := source.read(2**20):
                target.write(chunk)
        yield path
