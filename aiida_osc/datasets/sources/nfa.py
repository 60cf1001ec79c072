"""Orbital energies of non-fullerene acceptors, the two tables of DeepAcceptor joined."""

from aiida_osc.datasets.sources.source import UNVERIFIED, Source

SOURCE = Source(
    name='nfa',
    title='non-fullerene acceptors of DeepAcceptor (smiles, HOMO_eV, LUMO_eV)',
    citation='DeepAcceptor, repository of JinYSun',
    doi=UNVERIFIED,
    licence='BSD-3-Clause',
    url='https://github.com/JinYSun/DeepAcceptor (screen/HOMO_LUMO/dataset/regression)',
    columns={'HOMO_eV': 'homo:eV', 'LUMO_eV': 'lumo:eV', 'gap_eV': 'gap:eV'},
    required=('smiles', 'HOMO_eV', 'LUMO_eV'),
    identifiers=('inchikey',),
    level='DFT[calibrated, unstated]',
    notes='The tables hold -E(HOMO) and -E(LUMO): join them as negative orbital energies. The level is not stated; the '
    'published splits of the two tables contradict each other.',
)
