"""QMugs: drug-like molecules by GFN2-xTB and a range-separated hybrid functional."""

from collections.abc import Iterator
from pathlib import Path

from aiida_osc.datasets.formats.delimited import read_delimited
from aiida_osc.datasets.formats.rows import Record, Rows, Streamed
from aiida_osc.datasets.sources.source import UNVERIFIED, Source
from aiida_osc.qc.levels import GFN2

DFT = 'wB97X-D/def2-SVP//GFN2-xTB'
#: Polarizability of the dispersion model within GFN2-xTB, not the response to a field.
D4_MODEL = 'D4[GFN2-xTB]//GFN2-xTB'


def read_first_conformers(path: Path, smiles_column: str | None = None) -> Rows:
    """Return the first conformer of each molecule; the others, of the same molecule, follow it in the file."""
    rows = read_delimited(path, smiles_column)

    def records() -> Iterator[Record]:
        last = None
        for record in rows.records:
            name = record.cells.get('chembl_id')
            if name is None or name != last:
                yield record
            last = name

    return Rows(rows.headers, Streamed(records))


SOURCE = Source(
    name='qmugs',
    title='QMugs (summary.csv)',
    citation='Isert, Atz, Jiménez-Luna, Schneider, Sci. Data (2022)',
    doi='10.1038/s41597-022-01390-7',
    licence=UNVERIFIED,
    url='https://www.research-collection.ethz.ch/handle/20.500.11850/482129',
    columns={
        'GFN2_HOMO_ENERGY': f'homo:hartree@{GFN2}',
        'GFN2_LUMO_ENERGY': f'lumo:hartree@{GFN2}',
        'GFN2_HOMO_LUMO_GAP': f'gap:hartree@{GFN2}',
        'GFN2_DIPOLE_TOT': f'dipole:debye@{GFN2}',
        'GFN2_POLARIZABILITY_MOLECULAR': f'polarizability:bohr3@{D4_MODEL}',
        'DFT_HOMO_ENERGY': f'homo:hartree@{DFT}',
        'DFT_LUMO_ENERGY': f'lumo:hartree@{DFT}',
        'DFT_HOMO_LUMO_GAP': f'gap:hartree@{DFT}',
        'DFT_DIPOLE_TOT': f'dipole:debye@{DFT}',
    },
    required=('chembl_id', 'conf_id', 'smiles', 'GFN2_HOMO_LUMO_GAP', 'DFT_HOMO_ENERGY', 'DFT_HOMO_LUMO_GAP'),
    identifiers=('chembl_id', 'conf_id'),
    read=read_first_conformers,
    notes='The first conformer of each molecule is read.',
)
