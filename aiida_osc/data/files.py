"""What the data nodes share: one file of constant name, read through a temporary path."""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
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


class HDF5Data(Data):
    """A node that holds one object of ours as one HDF5 file.

    Abstract: a leaf names the file and the class of the object, which has ``read(path)`` and ``write(file)``, and says
    which queryable attributes describe it.
    """

    FILE_NAME: str
    CONTENT: type[Any]
    #: Returns the attributes of the node that holds an object.
    describe: Callable[[Any], dict[str, Any]]

    def __init__(self, content: Any, **kwargs):
        """Store ``content`` in its file.

        :param content: the object.
        """
        super().__init__(**kwargs)
        buffer = io.BytesIO()
        content.write(buffer)
        self.base.repository.put_object_from_bytes(buffer.getvalue(), self.FILE_NAME)
        self.base.attributes.set_many(self.describe(content))

    def load(self) -> Any:
        """Return the plain object.

        :raises OscError: when the stored file is damaged.
        """
        with as_path(self, self.FILE_NAME) as path:
            return self.CONTENT.read(path)

    def _validate(self) -> bool:
        """Check that file and attributes agree."""
        validate_file(self, self.FILE_NAME, lambda: self.describe(self.load()))
        return super()._validate()

    def _prepare_h5(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the stored file."""
        return self.base.repository.get_object_content(self.FILE_NAME, 'rb'), {}
