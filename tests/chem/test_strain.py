"""Rings that cannot be are found, and strained ones that were made are left alone."""

import pytest
from rdkit import Chem

from aiida_osc.chem.strain import strain
from aiida_osc.datasets.seed_set import load_seed


@pytest.mark.parametrize(
    ('smiles', 'reason'),
    [
        ('C1CCC#CC1', 'triple bond in a small ring'),
        ('C1CC=C=CC1', 'cumulated double bonds in a small ring'),
        ('C1C=C1', 'double bond in a ring of three'),
        ('C1C2CC12', 'two small rings that share a bond'),
        ('c1cc2cccc3Cc(c1)c23', 'small ring across the edge of two aromatic rings'),
        ('C1CC2=CCC1C2', 'double bond at a bridgehead'),  # bicyclo[2.2.1]hept-1-ene
        ('c1cc2ccc1CCC2', 'short bridge over an aromatic ring'),  # [3]paracyclophane
    ],
)
def test_strained_rings_are_found(smiles, reason):
    assert strain(Chem.MolFromSmiles(smiles)) == reason


@pytest.mark.parametrize(
    'smiles',
    [
        'C1=CC2C=CC1C2',  # norbornadiene
        'c1ccc2c(c1)C1c3ccccc3C2c2ccccc21',  # triptycene
        'c1ccc2c(c1)-c1ccccc1-2',  # biphenylene
        'C1CCCC#CCCCC1',  # cyclodecyne
        'C=C=C',
        'c1cc2ccc3ccc4ccc5ccc6ccc1c1c2c3c4c5c61',  # corannulene-like
        'O=C1C(=O)C(=O)C1=O',
        'C1CC1c1ccccc1',
    ],
)
def test_what_exists_is_not_called_strained(smiles):
    assert strain(Chem.MolFromSmiles(smiles)) is None


def test_known_semiconductors_are_not_strained():
    assert [text for text in load_seed().smiles if strain(Chem.MolFromSmiles(text))] == []
