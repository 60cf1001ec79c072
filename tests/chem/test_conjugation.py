import pytest

from aiida_osc.chem.conjugation import largest_conjugated
from aiida_osc.chem.molecules import parse_smiles


@pytest.mark.parametrize(
    ('smiles', 'atoms'),
    [
        ('c1ccccc1Cc1ccc2ccccc2c1', 10),  # the methylene separates benzene and naphthalene
        ('c1ccc(-c2cccs2)cc1', 11),
        ('C=CC=C', 4),
        ('CCO', 0),
    ],
)
def test_the_largest_conjugated_part(smiles, atoms):
    assert len(largest_conjugated(parse_smiles(smiles))) == atoms
