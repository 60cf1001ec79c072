"""What the data nodes share: one file of constant name, read through a temporary path."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiida.common.exceptions import ValidationError
from aiida.orm import Data

from aiida_osc.errors import OscError


@contextmanager
def as_path(node: Data, name: str) -> Iterator[Path]:
    """Yield a path that holds the content of the repository file ``name`` of ``node``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, Path(name).name)
        with node.base.repository.open(name, 'rb') as source, path.open('wb') as target:
            while chunk := source.read(2**20):
                target.write(chunk)
        yield path


def validate_file(node: Data, name: str, describe: Any) -> None:
    """Check that ``node`` holds the file ``name`` and that its attributes are those of the file's content.

    :param describe: returns the attributes that the content asks for.
    :raises aiida.common.exceptions.ValidationError: when the file is missing, damaged or contradicts the attributes.
    """
    if name not in node.base.repository.list_object_names():
        raise ValidationError(f'{type(node).__name__} has no file {name!r}')
    try:
        expected: Mapping[str, Any] = describe()
    except OscError as exception:
        raise ValidationError(f'{type(node).__name__}: {exception}') from exception
    for key, value in expected.items():
        if node.base.attributes.get(key, None) != value:
            raise ValidationError(f'attribute {key!r} of {type(node).__name__} contradicts the file {name!r}')
