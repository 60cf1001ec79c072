import pytest

from aiida_osc.chem.descriptors import DESCRIPTORS, descriptors
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.targets import COMPUTED, TARGETS


def test_descriptors_of_biphenyl():
    found = descriptors(parse_smiles('c1ccc(-c2ccccc2)cc1'))
    assert found['molar_mass'] == pytest.approx(154.21, abs=0.01)  # PubChem CID 7095
    assert found['logp_surrogate'] == pytest.approx(3.35, abs=0.05)  # 10 x 0.1581 + 2 x 0.2713 + 10 x 0.1230
    counts = {name: found[name] for name in ('heavy_atoms', 'rings', 'rotatable_bonds', 'tpsa', 'conjugated_share')}
    assert counts == {'heavy_atoms': 12, 'rings': 2, 'rotatable_bonds': 1, 'tpsa': 0, 'conjugated_share': 1}


def test_every_descriptor_is_a_computed_target_in_its_range():
    assert set(DESCRIPTORS) <= set(COMPUTED)
    for smiles in ('C', 'c1ccccc1', 'OCC(O)C(O)C(O)C(O)CO'):
        assert all(
            TARGETS[name].low <= value <= TARGETS[name].high
            for name, value in descriptors(parse_smiles(smiles)).items()
        )
