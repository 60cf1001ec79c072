"""Data node: structures of many molecules."""

import io
from typing import Any

from aiida.orm import Data

from aiida_osc.data.files import as_path, validate_file
from aiida_osc.datasets.geometry_table import GeometryTable

FILE_NAME = 'geometries.h5'


class GeometrySetData(Data):
    """Structures in ragged arrays, keyed by InChIKey and charge.

    Queryable attributes: ``count``, ``level``, ``charges`` (charge -> structures), ``content_hash``.
    ``node.export('x.xyz')`` also writes ``.csv`` (one row per atom), ``.sdf`` (without bonds) and ``.h5``.
    """

    def __init__(self, table: GeometryTable, **kwargs):
        """Store ``table`` as ``geometries.h5``.

        :param table: the structures.
        """
        super().__init__(**kwargs)
        buffer = io.BytesIO()
        table.write(buffer)
        self.base.repository.put_object_from_bytes(buffer.getvalue(), FILE_NAME)
        self.base.attributes.set_many(describe(table))

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

    @property
    def level(self) -> str:
        """Return how the structures were made."""
        return self.base.attributes.get('level')

    def _validate(self) -> bool:
        """Check that file and attributes agree."""
        validate_file(self, FILE_NAME, lambda: describe(self.load()))
        return super()._validate()

    def _prepare_xyz(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return all structures as one XYZ file."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'xyz'), {}

    def _prepare_csv(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return all structures as CSV, one row per atom."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'csv'), {}

    def _prepare_sdf(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return all structures as an SD file without bonds."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'sdf'), {}

    def _prepare_h5(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the stored file."""
        return self.base.repository.get_object_content(FILE_NAME, 'rb'), {}


def describe(table: GeometryTable) -> dict[str, Any]:
    """Return the attributes of the node that holds ``table``."""
    charges = [item.charge for item in table.geometries]
    return {
        'count': len(table),
        'level': table.level,
        'charges': {str(charge): charges.count(charge) for charge in sorted(set(charges))},
        'content_hash': table.content_hash(),
    }
