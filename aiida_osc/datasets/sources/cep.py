"""Molecules of the Harvard Clean Energy Project with their efficiencies, as used for neural fingerprints."""

from aiida_osc.datasets.sources.source import Source

SOURCE = Source(
    name='cep',
    title='the Clean Energy Project sample (cep-processed.csv)',
    citation='Hachmann et al., J. Phys. Chem. Lett. 2, 2241 (2011); Duvenaud et al., NeurIPS 2015',
    doi='not verified: see the citation',
    licence='MIT, (c) 2014 President and Fellows of Harvard College',
    url='https://github.com/HIPS/neural-fingerprint (data/2015-06-02-cep-pce)',
    required=('smiles', 'PCE'),
    left_out={'PCE': 'an efficiency (%) of the Scharber model, negative in places; no property of one molecule'},
    notes='Molecules without labels: a pool for screening and for generators.',
)
