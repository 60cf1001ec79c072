"""A pool of real molecules with made-up predictions."""

import numpy as np
import pytest

from aiida_osc.active_learning.settings import default_column
from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable

TARGETS = ('ie_adiabatic', 'ea_adiabatic', 'lambda_hole', 'lambda_electron')
SMILES = tuple(
    f'{left}{middle}{right}'
    for left in ('c1ccccc1-', 'c1ccsc1-', 'c1ccoc1-', 'N#C', 'CC', 'FC(F)(F)')
    for middle in ('c1ccc(cc1)', 'c1cc2cc3sc(cc3cc2s1)', 'c1cnc(nc1)', 'C=C', 'c1cc2c(s1)c1sc(cc1[nH]2)')
    for right in ('C#N', 'OC', 'c1ccncc1', 'C(=O)C')
)


@pytest.fixture(scope='session')
def pool():
    """Return (mean, sigma) of all distinct molecules, random and fixed by a seed."""
    molecules = list({item.inchikey: item for item in map(_molecule, SMILES) if item}.values())
    rng = np.random.default_rng(1)
    count = len(molecules)
    head = ([m.smiles for m in molecules], [m.inchikey for m in molecules], ['jtvae'] * count)
    means = {default_column(name): rng.uniform(*span, count) for name, span in zip(TARGETS, SPANS, strict=True)}
    sigmas = {key: rng.uniform(0.01, 0.3, count) for key in means}
    return MoleculeTable(*head, means), MoleculeTable(*head, sigmas)


SPANS = ((5.5, 9.0), (0.0, 4.0), (0.05, 0.5), (0.1, 0.6))


def _molecule(smiles):
    try:
        return standardise(smiles)
    except ValueError:
        return None
