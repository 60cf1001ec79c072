"""Data node: a table of molecules and their labels."""

import io
from collections import Counter
from typing import Any

import numpy as np
from aiida.orm import Data

from aiida_osc.data.files import as_path, validate_file
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.origins import OF_ROW

FILE_NAME = 'molecules.h5'


class MoleculeSetData(Data):
    """Molecules with SMILES, InChIKey and one float column per (target, level); missing labels are NaN.

    Queryable attributes: ``count``, ``columns`` (written column -> target, level, environment, unit, labels),
    ``sources`` (source -> molecules), ``content_hash``; ``origins`` (written column -> origin -> values) where values
    come from elsewhere than their molecules. ``node.export('x.csv')`` also writes ``.sdf`` and ``.h5``.
    """

    def __init__(self, table: MoleculeTable | None = None, **kwargs):
        """Store ``table`` as ``molecules.h5``.

        :param table: the molecules; an empty table by default.
        """
        super().__init__(**kwargs)
        table = MoleculeTable() if table is None else table
        buffer = io.BytesIO()
        table.write(buffer)
        self.base.repository.put_object_from_bytes(buffer.getvalue(), FILE_NAME)
        self.base.attributes.set_many(describe(table))

    def load(self) -> MoleculeTable:
        """Return the plain table.

        :raises OscError: when the stored file is damaged.
        """
        with as_path(self, FILE_NAME) as path:
            return MoleculeTable.read(path)

    @property
    def count(self) -> int:
        """Return the number of molecules."""
        return self.base.attributes.get('count')

    def _validate(self) -> bool:
        """Check that file and attributes agree."""
        validate_file(self, FILE_NAME, lambda: describe(self.load()))
        return super()._validate()

    def _prepare_csv(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the table as CSV: smiles, inchikey, source and one column per label."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'csv'), {}

    def _prepare_sdf(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the table as an SD file with drawings in two dimensions."""
        from aiida_osc.datasets.export import render

        return render(self.load(), 'sdf'), {}

    def _prepare_h5(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the stored file."""
        return self.base.repository.get_object_content(FILE_NAME, 'rb'), {}


def describe(table: MoleculeTable) -> dict[str, Any]:
    """Return the attributes of the node that holds ``table``."""
    counts = table.coverage()
    columns = {
        str(key): {
            'target': key.target,
            'level': key.level,
            'environment': key.environment,
            'unit': key.definition.unit,
            'labels': counts[str(key)],
        }
        for key in table.columns
    }
    described = {
        'count': len(table),
        'columns': columns,
        'sources': dict(sorted(Counter(table.source).items())),
        'content_hash': table.content_hash(),
    }
    origins = {str(key): _count(codes, table.origin_names) for key, codes in table.origins.items()}
    return {**described, 'origins': origins} if origins else described


def _count(codes: np.ndarray, names: tuple[str, ...]) -> dict[str, int]:
    """Return how many values have each origin."""
    found, counts = np.unique(codes[codes != OF_ROW], return_counts=True)
    return {names[code]: int(count) for code, count in zip(found, counts, strict=True)}
