"""Molecules and a small trained generator."""

import pytest

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.settings import JtvaeSettings

#: few molecules that share motifs: chains, fused rings, a bridge, an exocyclic double bond, charges
SMALL_SET = (
    'c1ccsc1',
    'c1csc(-c2cccs2)c1',
    'c1ccc2c(c1)sc1ccccc12',
    'c1ccc2c(c1)[nH]c1ccccc12',
    'c1ccc(-n2c3ccccc3c3ccccc32)cc1',
    'N#CC(C#N)=C1C=CC(=C(C#N)C#N)C=C1',
    'O=[N+]([O-])c1ccccc1',
    'CCCCc1cc2sccc2s1',
    'CCCCc1ccsc1',
    'O=C1Nc2ccccc2C1=C1C(=O)Nc2ccccc21',
    'C1=CSC(=C2SC=CS2)S1',
    'c1ccc(N(c2ccccc2)c2ccccc2)cc1',
)
SETTINGS = {
    'hidden': 48,
    'latent': 16,
    'epochs': 80,
    'batch_size': 12,
    'learning_rate': 8e-3,
    'dropout': 0.0,
    'kl_weight': 0.01,
    'validation': 0.0,
    'chain_count': 1,
    'hold_out_test': False,
}


@pytest.fixture(scope='session')
def small_table():
    """Return the small set as a table."""
    molecules = [standardise(text) for text in SMALL_SET]
    return MoleculeTable(
        [item.smiles for item in molecules], [item.inchikey for item in molecules], ['test'] * len(molecules)
    )


@pytest.fixture(scope='session')
def small_settings():
    """Return settings that overfit the small set within seconds."""
    return JtvaeSettings.from_dict(SETTINGS)


@pytest.fixture(scope='session')
def small_artifact(small_table, small_settings):
    """Return a generator that knows the small set by heart, as artifact."""
    return fit_jtvae_piece(small_table, small_settings, seed=0)


@pytest.fixture
def small_generator(small_artifact):
    """Return a generator that knows the small set by heart."""
    return Generator.from_artifact(small_artifact)
