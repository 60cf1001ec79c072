import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.plausibility import check_scale, is_plausible
from aiida_osc.errors import OscError

HOMO = Column('homo', 'x')


def test_range_of_the_target():
    assert is_plausible(-6.0, HOMO)
    assert not is_plausible(6.0, HOMO)
    assert not is_plausible(float('nan'), HOMO)
    assert not is_plausible(float('inf'), HOMO)


@pytest.mark.parametrize(
    ('target', 'values', 'unit'),
    [
        ('homo', [-0.24, -0.21, -0.19], 'hartree'),
        ('ie_adiabatic', [0.27, 0.24], 'hartree'),
        ('ie_vertical', [213.0, 200.0], 'kcal/mol'),
        ('homo', [-6100.0, -5800.0], 'mev'),
    ],
)
def test_the_unit_that_would_fit_is_named(target, values, unit):
    with pytest.raises(OscError, match=f'would fit {unit}'):
        check_scale('c', Column(target, 'x'), 1.0, np.array(values))


def test_a_few_typing_errors_do_not_condemn_a_column():
    check_scale('c', HOMO, 1.0, np.array([-6.1, 61.0, -5.9, np.nan, np.inf]))


def test_positive_homo_energies_fit_no_unit():
    with pytest.raises(OscError, match='check the column and its unit'):
        check_scale('c', HOMO, 1.0, np.array([6.1, 5.9]))


def test_nothing_to_check():
    check_scale('c', HOMO, 1.0, np.array([np.nan]))
