import pytest
from rdkit import Chem

from aiida_osc.chem.molecules import MAX_ATOMS, MAX_SMILES_LENGTH, MoleculeError, parse_smiles, standardise


def test_standardise_is_canonical_and_idempotent():
    first = standardise('C1=CC=CC=C1')
    assert (first.smiles, first.inchikey) == ('c1ccccc1', 'UHOVQNZJYSORNB-UHFFFAOYSA-N')  # benzene, PubChem CID 241
    assert standardise(first.smiles) == first


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ('[O-]c1ccccc1', 'Oc1ccccc1'),
        ('C[NH3+]', 'CN'),
        ('[H]C([H])([H])[H]', 'C'),
        ('O=N(=O)c1ccccc1', 'O=[N+]([O-])c1ccccc1'),
        ('F/C=C/F', 'F/C=C/F'),
        ('N[C@@H](C)C(=O)O', 'C[C@H](N)C(=O)O'),
    ],
)
def test_neutral_parent(given, expected):
    assert standardise(given).smiles == expected


@pytest.mark.parametrize(
    ('smiles', 'reason'),
    [
        ('', 'empty'),
        ('CCO\nCCC', 'white space'),  # RDKit alone reads three atoms
        ('CCO CCC', 'white space'),
        ('CC\x00O', 'white space or characters'),
        ('CCé', 'printable ASCII'),
        ('C' * (MAX_SMILES_LENGTH + 1), 'longer than'),
        ('C' * (MAX_ATOMS // 3 + 5), 'more than the limit'),
        ('c1cccc1', 'invalid'),
        ('C(C', 'invalid'),
        ('[Na+].[Cl-]', 'more than one fragment'),
        ('CC(=O)O.CCN', 'more than one fragment'),
        ('C[Fe]C', 'element Fe'),
        ('[Cu]', 'element Cu'),
        ('*c1ccccc1', r'element \*'),
        ('[2H]C', 'isotope'),
        ('C[N+](C)(C)C', 'charged'),
        ('[CH3]', 'radical'),
    ],
)
def test_refusals_say_why(smiles, reason):
    with pytest.raises(MoleculeError, match=reason):
        standardise(smiles)


def test_net_neutral_charges_stay():
    bodipy = standardise('F[B-]1(F)n2cccc2C=C2C=CC=[N+]12')
    assert Chem.GetFormalCharge(Chem.MolFromSmiles(bodipy.smiles)) == 0
    assert '[B-]' in bodipy.smiles


def test_parse_keeps_no_hydrogens():
    assert parse_smiles('c1ccsc1').GetNumAtoms() == 5
