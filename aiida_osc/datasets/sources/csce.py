"""Tables of SMILES and gap, as the csce example of HydraGNN reads them."""

from aiida_osc.datasets.sources.source import UNVERIFIED, Source

SOURCE = Source(
    name='csce',
    title='a gap table of the kind of csce_gap_synth.csv',
    citation=UNVERIFIED,
    doi='',
    licence=UNVERIFIED,
    url='https://github.com/ORNL/HydraGNN (examples/csce)',
    columns={'gap': 'gap:eV'},
    required=('smiles', 'gap'),
    forbidden=('level',),
    level='unstated[csce]',
    notes='The level is not stated with the file: give it with --level where you know it. The gap is in eV.',
)
