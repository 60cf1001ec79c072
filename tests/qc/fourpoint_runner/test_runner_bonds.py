from runner_jobs import THIOPHENE

from aiida_osc.qc.fourpoint_runner.bonds import connectivity_fault
from aiida_osc.qc.fourpoint_runner.settings import RunnerSettings
from aiida_osc.qc.fourpoint_runner.start import embed


def test_broken_bond_is_seen():
    start = embed(THIOPHENE, RunnerSettings(), 0, random_coordinates=False)
    assert connectivity_fault(start.numbers, start.bonds, start.positions) is None
    far = start.positions.copy()
    far[5] *= 2.5
    assert 'broken' in connectivity_fault(start.numbers, start.bonds, far)
