import numpy as np
import pytest
from runner_jobs import embedded

from aiida_osc.qc.fourpoint_runner.checks import check
from aiida_osc.qc.fourpoint_runner.optimiser import Minimum
from aiida_osc.qc.fourpoint_runner.scheme import Surfaces

START = embedded('c1ccsc1')
FINE = {
    'lambda_hole': 0.3, 'lambda_electron': 0.4, 'ie_vertical': 8.7, 'ie_adiabatic': 8.5, 'ea_vertical': -2.0,
    'ea_adiabatic': -1.8,
}  # fmt: skip


def surfaces(**changes):
    minima = {q: Minimum(START.positions, -1.0, 0.0, 3, True, None, np.eye(3)) for q in (0, 1, -1)}
    values = {'minima': minima, 'properties': dict(FINE), **changes}
    return Surfaces(**values)


def test_sound_result_passes_and_noise_is_clipped():
    found = surfaces(properties={**FINE, 'lambda_hole': -0.002}, s_squared={(1, 1): 0.76, (-1, 0): 0.75})
    assert check(START, found) is None
    assert found.properties['lambda_hole'] == 0.0


def test_negative_reorganisation_energy_is_no_fault_of_a_job_with_geometries_of_another_level():
    found = surfaces(properties={**FINE, 'lambda_hole': -0.2, 'lambda_electron': -0.002})
    assert check(START, found, mixed=True) is None
    assert found.properties['lambda_hole'] == -0.2
    assert found.properties['lambda_electron'] == 0.0


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'s_squared': {(1, 1): 0.86}}, '<S^2> of the cation at the geometry of the cation is 0.860'),
        ({'s_squared': {(-1, 0): 0.5}}, '<S^2> of the anion at the geometry of the neutral'),
        ({'properties': {**FINE, 'lambda_hole': -0.2}}, 'negative'),
        ({'properties': {**FINE, 'homo': float('nan')}}, 'not finite'),
        ({'properties': {**FINE, 'ie_adiabatic': -3.0}}, 'not above'),
    ],
)
def test_unsound_results_are_named(changes, words):
    assert words in check(START, surfaces(**changes))
