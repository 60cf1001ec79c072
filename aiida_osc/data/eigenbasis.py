"""Data node: the eigenbasis of graph Laplacians."""

import io
from typing import Any

from aiida.orm import Data

from aiida_osc.data.files import as_path, validate_file
from aiida_osc.diffusion.eigenbasis import Eigenbasis

FILE_NAME = 'eigenbasis.h5'


class EigenbasisData(Data):
    """Eigenvalues and eigenvectors of the Laplacians of molecules or graphs, or of a path or grid in closed form.

    Queryable attributes: ``graph_kind``, ``graphs``, ``nodes``, ``modes``, ``graph_hash`` (equal for equal graphs),
    ``content_hash``.
    """

    def __init__(self, basis: Eigenbasis, **kwargs):
        """Store ``basis`` as ``eigenbasis.h5``.

        :param basis: the eigenbasis.
        """
        super().__init__(**kwargs)
        buffer = io.BytesIO()
        basis.write(buffer)
        self.base.repository.put_object_from_bytes(buffer.getvalue(), FILE_NAME)
        self.base.attributes.set_many(describe(basis))

    def load(self) -> Eigenbasis:
        """Return the plain eigenbasis.

        :raises OscError: when the stored file is damaged.
        """
        with as_path(self, FILE_NAME) as path:
            return Eigenbasis.read(path)

    def _validate(self) -> bool:
        """Check that file and attributes agree."""
        validate_file(self, FILE_NAME, lambda: describe(self.load()))
        return super()._validate()

    def _prepare_h5(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the stored file."""
        return self.base.repository.get_object_content(FILE_NAME, 'rb'), {}


def describe(basis: Eigenbasis) -> dict[str, Any]:
    """Return the attributes of the node that holds ``basis``."""
    return {
        'graph_kind': basis.kind,
        'graphs': basis.graphs,
        'nodes': basis.nodes,
        'modes': len(basis.eigenvalues),
        'graph_hash': basis.graph_hash,
        'content_hash': basis.content_hash(),
    }
