from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.chem.tautomers import frame, skeleton, tautomer_groups

KETO, ENOL = 'CC(=O)CC(C)=O', 'CC(=O)C=C(C)O'


def test_a_frame_is_the_same_for_tautomers_and_stereoisomers():
    assert frame(parse_smiles(KETO)) == frame(parse_smiles(ENOL))
    assert frame(parse_smiles('C[C@H](F)Cl')) == frame(parse_smiles('C[C@@H](F)Cl'))
    assert frame(parse_smiles('F/C=C/F')) == frame(parse_smiles('F/C=C\\F'))
    assert frame(parse_smiles(KETO)) != frame(parse_smiles('CCC(=O)C(C)=O'))


def test_tautomers_are_found_among_others():
    smiles = ['c1ccccc1', KETO, 'CCCCC(O)=O', ENOL, 'bad', 'Oc1ccccn1', 'O=c1cccc[nH]1']
    frames = [None if item == 'bad' else frame(parse_smiles(item)) for item in smiles]
    assert tautomer_groups(smiles, frames) == [[1, 3], [5, 6]]


def test_isomers_with_one_frame_that_are_no_tautomers_stay_apart():
    smiles = [
        'C1=CCCC1O',
        'C1CCCC1=O',
    ]  # an allyl alcohol and a ketone: no proton shift of 1,3 leads from one to the other
    frames = [frame(parse_smiles(item)) for item in smiles]
    assert frames[0] == frames[1]
    assert tautomer_groups(smiles, frames) == []


def test_a_skeleton_is_the_first_block():
    assert skeleton('UHOVQNZJYSORNB-UHFFFAOYSA-N') == 'UHOVQNZJYSORNB'
