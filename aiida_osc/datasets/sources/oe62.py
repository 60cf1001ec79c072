"""OE62: orbital energies of molecules from organic crystals, with structures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiida_osc.datasets.formats.rows import Record, Rows, Streamed
from aiida_osc.datasets.formats.split_json import read_split_json
from aiida_osc.datasets.geometry_sources import Structure, parse_xyz
from aiida_osc.datasets.sampling import draw
from aiida_osc.datasets.sources.source import UNVERIFIED, Source
from aiida_osc.errors import OscError

GEOMETRY_LEVEL = 'PBE+vdW'
SMILES, NAME, XYZ = 'canonical_smiles', 'refcode_csd', 'xyz_pbe_relaxed'
#: Columns of occupied and unoccupied energies -> level, with an environment where it is not the gas phase.
LEVELS = {
    ('energies_occ_pbe', 'energies_unocc_pbe'): 'PBE',
    ('energies_occ_pbe0_vac_tier2', 'energies_unocc_pbe0_vac_tier2'): 'PBE0/tier2',
    ('energies_occ_pbe0_vac_tzvp', 'energies_unocc_pbe0_vac_tzvp'): 'PBE0/def2-TZVP',
    ('energies_occ_pbe0_vac_qzvp', 'energies_unocc_pbe0_vac_qzvp'): 'PBE0/def2-QZVP',
    ('energies_occ_pbe0_water', 'energies_unocc_pbe0_water'): 'PBE0',
    ('cbs_occ_gw', 'cbs_unocc_gw'): 'G0W0[PBE0]/CBS',
    ('energies_occ_gw_tzvp', 'energies_unocc_gw_tzvp'): 'G0W0[PBE0]/def2-TZVP',
    ('energies_occ_gw_qzvp', 'energies_unocc_gw_qzvp'): 'G0W0[PBE0]/def2-QZVP',
}
REQUIRED = (SMILES, XYZ, 'energies_occ_pbe', 'energies_unocc_pbe')


def _headers(occupied: str, unoccupied: str) -> tuple[str, str, str]:
    """Return what the highest occupied and lowest unoccupied energy and their difference are called in the rows."""
    return f'{occupied}[-1]', f'{unoccupied}[0]', f'{unoccupied}[0] - {occupied}[-1]'


def _columns() -> dict[str, str]:
    columns = {}
    for (occupied, unoccupied), level in LEVELS.items():
        where = '@water' if occupied.endswith('_water') else ''
        for target, header in zip(('homo', 'lumo', 'gap'), _headers(occupied, unoccupied), strict=True):
            columns[header] = f'{target}:eV@{level}//{GEOMETRY_LEVEL}{where}'
    return columns


def read_orbitals(path: Path, smiles_column: str | None = None) -> Rows:
    """Return highest occupied and lowest unoccupied energy, and their difference, of each molecule at each level.

    :param smiles_column: not used.
    :raises OscError: when the file is not the JSON of the set.
    """
    del smiles_column
    names = read_split_json(path).names
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise OscError(f'{path.name} has no column {missing[0]!r}, its columns are {", ".join(names)}')
    present = {pair: level for pair, level in LEVELS.items() if all(name in names for name in pair)}
    headers = [header for pair in present for header in _headers(*pair)]
    used = {name for pair in present for name in pair}

    def records() -> Iterator[Record]:
        for number, row in enumerate(read_split_json(path).rows, start=1):
            cells = dict(zip(names, row, strict=True))
            values = {name: text for pair in present for name, text in _frontier(cells, *pair).items()}
            yield Record(number, _text(cells, SMILES), values | {name: _text(cells, name) for name in (NAME, XYZ)})

    return Rows((*headers, *(name for name in names if name not in used)), Streamed(records))


def read_structures(path: Path | None, sample: int | None = None, seed: int = 0) -> Iterator[Structure]:
    """Yield the structures of the set.

    :raises OscError: when the file is not given or not the JSON of the set, or a structure is damaged.
    """
    if path is None:
        raise OscError('source oe62 needs its file df_62k.json')
    for record in draw(SOURCE.rows(path).records, sample, seed):
        name = record.cells[NAME] or f'row {record.line}'
        yield Structure(name, record.text, *parse_xyz(record.cells[XYZ], name))


def _frontier(cells: Mapping[str, Any], occupied: str, unoccupied: str) -> dict[str, str]:
    """Return the energies by header as text; nothing where the row has none at this level."""
    below, above = _numbers(cells[occupied]), _numbers(cells[unoccupied])
    if not below or not above:
        return {}
    values = (below[-1], above[0], above[0] - below[-1])
    return {header: repr(value) for header, value in zip(_headers(occupied, unoccupied), values, strict=True)}


def _numbers(value: Any) -> Sequence[float]:
    """Return a list of numbers in the order of energy, empty for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, int | float) for item in value):
        return ()
    return sorted(value)


def _text(cells: Mapping[str, Any], name: str) -> str:
    """Return a cell as text without the line ends that the file has."""
    value = cells.get(name)
    return value.strip() if isinstance(value, str) else ''


SOURCE = Source(
    name='oe62',
    title='OE62 (df_62k.json, df_31k.json or df_5k.json)',
    citation='OE62, Sci. Data (2020)',
    doi='10.1038/s41597-020-0385-y',
    licence=UNVERIFIED,
    url='https://doi.org/10.1038/s41597-020-0385-y',
    columns=_columns(),
    required=tuple(_headers('energies_occ_pbe', 'energies_unocc_pbe')),
    identifiers=(SMILES, NAME, XYZ, 'inchi', 'number_of_atoms'),
    smiles_column=None,
    read=read_orbitals,
    structures=read_structures,
    geometry_level=GEOMETRY_LEVEL,
    notes='Quasi-particle energies (G0W0) are kept as orbital energies at a level of their own. The basis of the PBE '
    'and the water energies is that of the article.',
)
