import pytest

from aiida_osc.datasets.headers import parse_mapping, plan_fields
from aiida_osc.errors import OscError
from aiida_osc.units import AU_TO_DEBYE, HARTREE_TO_EV


@pytest.mark.parametrize(
    ('header', 'target', 'factor'),
    [
        ('HOMO_eV', 'homo', 1.0),
        ('lumo_hartree', 'lumo', HARTREE_TO_EV),
        ('HOMO_au', 'homo', HARTREE_TO_EV),
        ('Gap (eV)', 'gap', 1.0),
        ('IE vertical [meV]', 'ie_vertical', 1e-3),
        ('ie_adiabatic_kj/mol', 'ie_adiabatic', 0.01036426966),
        ('lambda_hole/eV', 'lambda_hole', 1.0),
        ('Dipole_Debye', 'dipole', 1.0),
        ('dipole_a.u.', 'dipole', AU_TO_DEBYE),
        ('Polarizability_bohr^3', 'polarizability', 1.0),
        ('polarizability_au', 'polarizability', 1.0),
        ('SA score', 'sa_score', 1.0),
        ('homo@GFN2-xTB//GFN2-xTB', 'homo', 1.0),
    ],
)
def test_recognised(header, target, factor):
    fields, unclear = plan_fields([header], {}, 'PBE')
    assert fields[header].column.target == target
    assert fields[header].factor == pytest.approx(factor)
    assert not unclear


@pytest.mark.parametrize('header', ['smiles', 'homology', 'gap_year', 'note', 'energy_eV', 'name@place', 'homo_sigma'])
def test_not_mistaken_for_a_property(header):
    fields, _ = plan_fields([header], {}, 'PBE')
    assert not fields


def test_mapping_wins_over_the_name():
    fields, _ = plan_fields(['HOMO_eV'], {'HOMO_eV': 'lumo:hartree@HF'}, 'PBE')
    assert str(fields['HOMO_eV'].column) == 'lumo@HF'
    assert fields['HOMO_eV'].factor == HARTREE_TO_EV


def test_mapping_text():
    assert parse_mapping('IP=ie_vertical:eV@IPEA1[shift=4.8455]') == ('IP', 'ie_vertical:eV@IPEA1[shift=4.8455]')
    for text in ('IP', 'IP=', '=homo:eV'):
        with pytest.raises(OscError, match='is no column mapping'):
            parse_mapping(text)
