"""Donor-acceptor dimers with their structures."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from aiida_osc.datasets.formats.delimited import read_delimited
from aiida_osc.datasets.geometry_sources import Structure, parse_xyz
from aiida_osc.datasets.sampling import draw
from aiida_osc.datasets.sources.source import UNVERIFIED, Source, single_table
from aiida_osc.errors import OscError

GEOMETRY_LEVEL = 'wB97X-D/6-31G*'
#: Largest XYZ file that is taken out of an archive, in bytes.
MAX_XYZ = 2**20
_FRAGMENT = 'of the separate donor or acceptor, not of the dimer'
_EXCITED = 'an excited state'


def read_structures(path: Path | None, sample: int | None = None, seed: int = 0) -> Iterator[Structure]:
    """Yield the structures of a folder with the table and, beside it, ``*.xyz``, a folder or a ``*.tar.gz`` of them.

    :param path: the folder, or the table in it.
    :raises OscError: when no folder is given, or a structure is missing or damaged.
    """
    if path is None:
        raise OscError('source da_dimers needs the folder with its table and structures')
    rows = SOURCE.rows(path)
    table = SOURCE.table(path)
    texts = _archived(table.parent)
    for record in draw(rows.records, sample, seed):
        name = Path(record.cells.get('xyz_file_name', '')).name
        text = texts.get(name) or _file(table.parent, name)
        yield Structure(name, record.text, *parse_xyz(text, name))


def _archived(folder: Path) -> dict[str, str]:
    """Return the text of each XYZ file of the archives of a folder, by its name."""
    texts = {}
    for path in sorted(folder.glob('*.tar.gz')):
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    handle = archive.extractfile(member) if member.isreg() and member.size <= MAX_XYZ else None
                    if handle is not None and member.name.endswith('.xyz'):
                        texts[Path(member.name).name] = handle.read().decode('utf-8')
        except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError) as exception:
            raise OscError(f'{path} is no archive of XYZ files: {exception}') from None
    return texts


def _file(folder: Path, name: str) -> str:
    for path in (folder / name, folder / 'structures' / name):
        if name and path.is_file():
            return path.read_text(encoding='utf-8', errors='replace')
    raise OscError(f'{folder} has no structure {name!r}: put the *.xyz or their *.tar.gz beside the table')


SOURCE = Source(
    name='da_dimers',
    title='donor-acceptor dimers (data.csv and structures/*.xyz)',
    citation='Blaskovits, Lin, Laplaza, Corminboeuf (2021)',
    doi=UNVERIFIED,
    licence='MIT, (c) 2020 lcmd-epfl',
    url='https://github.com/lcmd-epfl/molecular_data_explorer (examples/blaskovits2021_example)',
    required=('SMILES', 'xyz_file_name', 'S1_exc', 'D_HOMO', 'A_LUMO'),
    left_out=dict.fromkeys(('S1_exc', 'T1_exc', 'S1_T1_split'), _EXCITED)
    | {f'{state}{a}to{b}': _EXCITED for state in ('S1', 'T1') for a in 'AD' for b in 'AD'}
    | {f'{part}_{name}': _FRAGMENT for part in 'DA' for name in ('HOMO', 'LUMO', 'gap', 'S1', 'T1', 'split')}
    | {'dft_dihedral_norm': 'a torsion (degrees)'},
    identifiers=('COMP_names', 'xyz_file_name', 'acceptor_index', 'donor_index'),
    smiles_column='SMILES',
    table=single_table,
    read=read_delimited,
    structures=read_structures,
    geometry_level=GEOMETRY_LEVEL,
    notes='Molecules and structures without labels: the orbital energies are those of the separate fragments.',
)
