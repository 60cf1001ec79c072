"""Data node: the eigenbasis of graph Laplacians."""

from typing import Any

from aiida_osc.data.files import HDF5Data
from aiida_osc.diffusion.eigenbasis import Eigenbasis


class EigenbasisData(HDF5Data):
    """Eigenvalues and eigenvectors of the Laplacians of molecules or graphs, or of a path or grid in closed form.

    Queryable attributes: ``graph_kind``, ``graphs``, ``nodes``, ``modes``, ``graph_hash`` (equal for equal graphs),
    ``content_hash``.
    """

    FILE_NAME = 'eigenbasis.h5'
    CONTENT = Eigenbasis

    @staticmethod
    def describe(content: Eigenbasis) -> dict[str, Any]:
        """Return the attributes of the node that holds ``content``."""
        return {
            'graph_kind': content.kind,
            'graphs': content.graphs,
            'nodes': content.nodes,
            'modes': len(content.eigenvalues),
            'graph_hash': content.graph_hash,
            'content_hash': content.content_hash(),
        }
