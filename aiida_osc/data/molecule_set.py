"""Data node: a table of molecules and their labels."""

import io

from aiida.orm import Data

from aiida_osc.data.files import as_path
from aiida_osc.datasets.molecule_table import MoleculeTable

FILE_NAME = 'molecules.h5'


class MoleculeSetData(Data):
    """Molecules with SMILES, InChIKey and one float column per (target, level); missing labels are NaN.

    Queryable attributes: ``count``, ``columns`` (written column -> unit, level, environment, labels), ``sources``
    (source -> molecules), ``content_hash``.
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
        sources = {name: table.source.count(name) for name in sorted(set(table.source))}
        attributes = {'count': len(table), 'columns': columns, 'sources': sources, 'content_hash': table.content_hash()}
        self.base.attributes.set_many(attributes)

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
