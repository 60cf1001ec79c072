"""Data node: fields on one grid."""

from typing import Any

from aiida_osc.data.files import HDF5Data
from aiida_osc.diffusion.grids.dataset import FieldArray


class FieldSetData(HDF5Data):
    """Fields on the nodes of one grid, such as the composition of films.

    Queryable attributes: ``count``, ``shape`` (sides of the grid), ``boundary``, ``features`` (values per node),
    ``content_hash``.
    """

    FILE_NAME = 'fields.h5'
    CONTENT = FieldArray

    @staticmethod
    def describe(content: FieldArray) -> dict[str, Any]:
        """Return the attributes of the node that holds ``content``."""
        return {
            'count': len(content),
            'shape': list(content.shape),
            'boundary': content.boundary,
            'features': content.features,
            'content_hash': content.content_hash(),
        }
