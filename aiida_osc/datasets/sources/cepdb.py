"""The table of the Harvard Clean Energy Project database, with orbital energies."""

from aiida_osc.datasets.sources.source import UNVERIFIED, Source

_DEVICE = 'a property of a device'

SOURCE = Source(
    name='cepdb',
    title='the Clean Energy Project database (moldata.csv)',
    citation='Hachmann et al., J. Phys. Chem. Lett. 2, 2241 (2011)',
    doi=UNVERIFIED,
    licence=UNVERIFIED,
    url='https://cepdb.molecularspace.org',
    columns={'e_homo_alpha': 'homo:eV', 'e_lumo_alpha': 'lumo:eV', 'e_gap_alpha': 'gap:eV'},
    left_out={'pce': _DEVICE, 'voc': _DEVICE, 'jsc': _DEVICE},
    identifiers=('id', 'stoich_str', 'mass', 'tmp_smiles_str'),
    smiles_column='SMILES_str',
    level='DFT[CEPDB, unstated]',
    notes='The level is not stated with the table: give it with --level where you know it.',
)
