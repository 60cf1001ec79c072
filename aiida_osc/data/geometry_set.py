"""Data node: structures of many molecules."""

from typing import Any

from aiida_osc.data.files import HDF5Data
from aiida_osc.datasets.geometry_table import GeometryTable


class GeometrySetData(HDF5Data):
    """Structures in ragged arrays, keyed by InChIKey and charge.

    Queryable attributes: ``count``, ``level``, ``charges`` (charge -> structures), ``content_hash``.
    ``node.export('x.xyz')`` also writes ``.csv`` (one row per atom), ``.sdf`` (without bonds) and ``.h5``.
    """

    FILE_NAME = 'geometries.h5'
    CONTENT = GeometryTable

    @staticmethod
    def describe(content: GeometryTable) -> dict[str, Any]:
        """Return the attributes of the node that holds ``content``."""
        charges = [item.charge for item in content.geometries]
        return {
            'count': len(content),
            'level': content.level,
            'charges': {str(charge): charges.count(charge) for charge in sorted(set(charges))},
            'content_hash': content.content_hash(),
        }

    @property
    def count(self) -> int:
        """Return the number of structures."""
        return self.base.attributes.get('count')

    @property
    def level(self) -> str:
        """Return how the structures were made."""
        return self.base.attributes.get('level')

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
