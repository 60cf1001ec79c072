"""Data node: structures of many molecules."""

import io

from aiida.orm import Data

from aiida_osc.data.files import as_path
from aiida_osc.datasets.geometry_table import GeometryTable

FILE_NAME = 'geometries.h5'


class GeometrySetData(Data):
    """Structures in ragged arrays, keyed by InChIKey and charge.

    Queryable attributes: ``count``, ``level``, ``charges`` (charge -> structures), ``content_hash``.
    """

    def __init__(self, table: GeometryTable, **kwargs):
        """Store ``table`` as ``geometries.h5``.

        :param table: the structures.
        """
        super().__init__(**kwargs)
        buffer = io.BytesIO()
        table.write(buffer)
        self.base.repository.put_object_from_bytes(buffer.getvalue(), FILE_NAME)
        charges = [item.charge for item in table.geometries]
        self.base.attributes.set_many(
            {
                'count': len(table),
                'level': table.level,
                'charges': {str(charge): charges.count(charge) for charge in sorted(set(charges))},
                'content_hash': table.content_hash(),
            }
        )

    def load(self) -> GeometryTable:
        """Return the plain table.

        :raises OscError: when the stored file is damaged.
        """
        with as_path(self, FILE_NAME) as path:
            return GeometryTable.read(path)

    @property
    def count(self) -> int:
        """Return the number of structures."""
        return self.base.attributes.get('count')
