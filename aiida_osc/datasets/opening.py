"""Open any file that holds molecules or geometries."""

from pathlib import Path
from typing import Any

from aiida_osc.datasets.geometry_table import FORMAT as GEOMETRY_FORMAT
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.hdf5 import open_checked
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.readers import read_table

#: Level of columns that do not say theirs, where a file is only looked at.
UNSPECIFIED = 'unspecified'


def open_table(path: str | Path, **settings: Any) -> MoleculeTable | GeometryTable:
    """Return the table in a file; ``.h5`` files are read as they are, others through :func:`read_table`.

    :param settings: keyword arguments of :func:`read_table`.
    :raises OscError: when the file cannot be used.
    """
    if Path(path).suffix.lower() not in ('.h5', '.hdf5'):
        return read_table(path, **settings).table
    with open_checked(path) as handle:
        is_geometry = handle.attrs.get('format') == GEOMETRY_FORMAT
    return GeometryTable.read(path) if is_geometry else MoleculeTable.read(path)
