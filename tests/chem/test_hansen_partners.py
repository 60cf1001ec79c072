import pytest

from aiida_osc.chem.hansen import Hansen, hansen
from aiida_osc.chem.hansen_partners import MEASURED, Partner
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.errors import OscError


def test_a_known_name_has_measured_parameters():
    assert Partner.parse('C12-TIFDMT') == Partner('C12-TIFDMT', Hansen(20.8, 5.8, 5.5))  # doi 10.1039/D4TC00324A


def test_numbers_of_the_user_are_taken():
    assert Partner.parse('PS = 18.5, 4.5, 2.9') == Partner('PS', Hansen(18.5, 4.5, 2.9))


def test_a_smiles_is_computed_and_named_without_stereochemistry():
    partner = Partner.parse('C[C@H](O)CC')
    assert partner.name == 'CCC(C)O'
    assert partner.parameters == hansen(parse_smiles('CCC(C)O'))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('PC61BM', f"partner 'PC61BM' is unknown: use one of {', '.join(MEASURED)}, a SMILES, or NAME=D,P,H"),
        ('c1ccsc1', 'no increment for C~S, S\\(0\\); give its parameters as NAME=D,P,H'),
        ('PS=18.5,4.5,x', 'give three numbers from 0 to 100'),
        ('PS=18.5,4.5,nan', 'give three numbers from 0 to 100'),
        ('a@b=1,2,3', 'is no name of a partner'),
    ],
)
def test_a_partner_that_is_none_is_refused(text, message):
    with pytest.raises(OscError, match=message):
        Partner.parse(text)
