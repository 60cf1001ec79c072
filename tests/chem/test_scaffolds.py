import pytest

from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.chem.scaffolds import scaffold


@pytest.mark.parametrize(
    ('smiles', 'expected'),
    [
        ('CCc1ccc(CCc2cccs2)cc1', 'c1ccc(CCc2cccs2)cc1'),
        ('CCCC', ''),
        ('C[C@H]1CCCO1', 'C1CCOC1'),
    ],
)
def test_side_chains_and_stereochemistry_are_left_out(smiles, expected):
    assert scaffold(parse_smiles(smiles)) == expected
