"""Data node: a table of molecules and their labels."""

from collections import Counter
from typing import Any

import numpy as np

from aiida_osc.data.files import HDF5Data
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.origins import OF_ROW


class MoleculeSetData(HDF5Data):
    """Molecules with SMILES, InChIKey and one float column per (target, level); missing labels are NaN.

    Queryable attributes: ``count``, ``columns`` (written column -> target, level, environment, unit, labels),
    ``sources`` (source -> molecules), ``content_hash``; ``origins`` (written column -> origin -> values) where values
    come from elsewhere than their molecules. ``node.export('x.csv')`` also writes ``.sdf`` and ``.h5``.
    """

    FILE_NAME = 'molecules.h5'
    CONTENT = MoleculeTable

    def __init__(self, table: MoleculeTable | None = None, **kwargs):
        """Store ``table`` in its file.

        :param table: the molecules; an empty table by default.
        """
        super().__init__(MoleculeTable() if table is None else table, **kwargs)

    @staticmethod
    def describe(content: MoleculeTable) -> dict[str, Any]:
        """Return the attributes of the node that holds ``content``."""
        counts = content.coverage()
        columns = {
            str(key): {
                'target': key.target,
                'level': key.level,
                'environment': key.environment,
                'unit': key.definition.unit,
                'labels': counts[str(key)],
            }
            for key in content.columns
        }
        described = {
            'count': len(content),
            'columns': columns,
            'sources': dict(sorted(Counter(content.source).items())),
            'content_hash': content.content_hash(),
        }
        origins = {str(key): _count(codes, content.origin_names) for key, codes in content.origins.items()}
        return {**described, 'origins': origins} if origins else described

    @property
    def count(self) -> int:
        """Return the number of molecules."""
        return self.base.attributes.get('count')

    def _prepare_csv(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the table as CSV: smiles, inchikey, source and one column per label."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'csv'), {}

    def _prepare_sdf(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the table as an SD file with drawings in two dimensions."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'sdf'), {}


def _count(codes: np.ndarray, names: tuple[str, ...]) -> dict[str, int]:
    """Return how many values have each origin."""
    found, counts = np.unique(codes[codes != OF_ROW], return_counts=True)
    return {names[code]: int(count) for code, count in zip(found, counts, strict=True)}
