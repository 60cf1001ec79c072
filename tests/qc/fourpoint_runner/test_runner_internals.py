import numpy as np
import pytest
from runner_jobs import THIOPHENE, embedded

from aiida_osc.qc.fourpoint_runner.internals import Internals
from aiida_osc.qc.fourpoint_runner.steps import Frame


@pytest.mark.parametrize('smiles', [THIOPHENE, 'N#CC(C#N)=Cc1ccsc1', 'C#CC#Cc1ccccc1', 'C=C=C', 'O=C=O', 'C=O', 'CC'])
def test_internal_coordinates_span_all_vibrations_and_have_right_derivatives(smiles):
    start = embedded(smiles)
    internals = Internals(start.numbers, start.bonds, start.positions)
    values, wilson = internals.evaluate(start.positions)
    assert np.array_equal(values, internals.values(start.positions))
    numeric = np.empty_like(wilson)
    for n in range(start.positions.size):
        ahead, behind = start.positions.copy(), start.positions.copy()
        ahead.flat[n] += 1e-4
        behind.flat[n] -= 1e-4
        numeric[:, n] = internals.difference(internals.values(ahead), internals.values(behind)) / 2e-4
    assert np.abs(wilson - numeric).max() < 2e-6
    vibrations = start.positions.size - (5 if smiles == 'O=C=O' else 6)
    assert np.linalg.matrix_rank(wilson, tol=1e-3) >= vibrations


def test_displacement_reaches_the_wanted_coordinates():
    start = embedded('c1ccc(-c2cccs2)cc1')
    internals = Internals(start.numbers, start.bonds, start.positions)
    frame = Frame(internals, start.positions, np.zeros_like(start.positions))
    wanted = 0.1 * np.random.default_rng(0).normal(size=start.positions.shape)
    move = internals.difference(internals.values(start.positions + wanted), frame.values)
    reached = frame.displace(start.positions, move)
    assert np.abs(internals.difference(internals.values(reached), frame.values) - move).max() < 1e-3
