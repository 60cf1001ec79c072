"""A folder of XYZ files that a CSV file with columns ``file`` and ``smiles`` names."""

from collections.abc import Iterator
from pathlib import Path

from aiida_osc.datasets.geometry_sources import Structure, folder_structures
from aiida_osc.datasets.sampling import draw
from aiida_osc.datasets.sources.source import YOURS, Source, single_table
from aiida_osc.errors import OscError


def read_structures(path: Path | None, sample: int | None = None, seed: int = 0) -> Iterator[Structure]:
    """Yield the structures of a folder, see :func:`folder_structures`.

    :raises OscError: when no folder is given, or it cannot be used.
    """
    if path is None:
        raise OscError('source xyz_folder needs the folder')
    yield from draw(list(folder_structures(path)), sample, seed)


SOURCE = Source(
    name='xyz_folder',
    title='a folder with *.xyz and a CSV file of columns file and smiles',
    citation=YOURS,
    doi='',
    licence=YOURS,
    url='your own data',
    columns=None,
    required=('file',),
    smiles_column=None,
    table=single_table,
    structures=read_structures,
    notes='Further columns of the CSV file are read like those of any CSV file.',
)
