import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Model
from aiida_osc.qc.methods import METHODS
from aiida_osc.qc.pyscf_level import DISPERSION_NAMES, pyscf_level


def test_level_in_the_words_of_pyscf():
    assert pyscf_level(Model('B3LYP', '6-31G*', 'D3BJ', 3.5, True)) == {
        'name': 'B3LYP-D3BJ/6-31G*[cartesian]', 'method': 'b3lypg', 'basis': '6-31G*', 'dispersion': 'd3bj:b3lyp',
        'epsilon': 3.5, 'cartesian': True,
    }  # fmt: skip
    assert pyscf_level(Model('wB97X-D3BJ', 'def2-SVP', ''))['dispersion'] == '', 'part of the functional'


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        (Model('wB97X-D', 'def2-SVP', ''), 'pyscf has no wB97X-D'),
        (Model('M06-2X', 'def2-SVP', 'D3BJ'), 'no parameters for M06-2X'),
    ],
)
def test_what_pyscf_cannot_is_refused(model, message):
    with pytest.raises(OscError, match=message):
        pyscf_level(model)


@pytest.mark.pyscf
def test_every_name_is_known_to_pyscf():
    """By its library of functionals and by those of dispersion corrections."""
    from pyscf import gto
    from pyscf.dft import libxc
    from pyscf.dispersion import dftd3, dftd4

    for spellings in METHODS.values():
        if 'pyscf' in spellings:
            assert libxc.parse_xc(spellings['pyscf'])
    mol = gto.M(atom='O 0 0 0; H 0 0 1; H 0 1 0', basis='sto-3g', verbose=0)
    for name in DISPERSION_NAMES.values():
        assert dftd3.DFTD3Dispersion(mol, xc=name, version='d3bj').get_dispersion()['energy'] < 0
        assert dftd4.DFTD4Dispersion(mol, xc=name).get_dispersion()['energy'] < 0


def test_b3lyp_is_the_functional_of_gaussian_in_libxc():
    from pyscf.dft import libxc

    # XC_HYB_GGA_XC_B3LYP, number 402 of libxc, has the VWN correlation of RPA kind that Gaussian uses.
    assert libxc.parse_xc(METHODS['B3LYP']['pyscf'])[1] == ((402, 1),)
