"""Reactive groups are found, and what organic electronics uses is not taken for one."""

import pytest
from rdkit import Chem

from aiida_osc.chem.reactive import GROUPS, reactive_group
from aiida_osc.datasets.seed_set import load_seed

EXAMPLES = {
    'peroxide': 'CCOOCC',
    'azide': 'c1ccccc1N=[N+]=[N-]',
    'diazo': 'C=[N+]=[N-]',
    'diazonium': 'c1ccccc1[N+]#N',
    'three nitrogens in a chain': 'CN=NN(C)C',
    'hydrazine': 'CN(C)N(C)C',
    'nitrogen and oxygen chain': 'CN(C)OC',
    'nitrate or nitrite': 'CO[N+](=O)[O-]',
    'nitroso': 'O=Nc1ccccc1',
    'halogen on a heteroatom': 'CN(C)Cl',
    'acyl halide': 'CC(=O)Cl',
    'sulfonyl halide': 'CS(=O)(=O)Cl',
    'alkyl halide': 'CCBr',
    'halide of silicon, germanium or boron': 'C[Si](C)(C)Cl',
    'isocyanate, ketene or carbodiimide': 'O=C=Nc1ccccc1',
    'cumulene of four carbons': 'C=C=C=C',
    'epoxide, aziridine or thiirane': 'C1OC1c1ccccc1',
    'acyclic disulfide or sulfenyl': 'CSSC',
    'thiol': 'Sc1ccccc1',
    'thioaldehyde': 'S=Cc1ccccc1',
    'hydride of silicon, germanium or phosphorus outside rings': 'C[SiH](C)C',
    'two heteroatoms on one carbon with hydrogen': 'CC(O)O',
    'unsubstituted imine': 'CC(C)=N',
    'chain of more than three triple bonds': 'C#CC#CC#CC#C',
}


def test_every_group_has_an_example():
    assert set(EXAMPLES) == set(GROUPS)


@pytest.mark.parametrize(('name', 'smiles'), EXAMPLES.items())
def test_group_is_found(name, smiles):
    assert reactive_group(Chem.MolFromSmiles(smiles)) == name


def test_known_semiconductors_have_none():
    assert [text for text in load_seed().smiles if reactive_group(Chem.MolFromSmiles(text))] == []
