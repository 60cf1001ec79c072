import pytest
from runner_jobs import ETHYLENE, THIOPHENE
from tblite.interface import Calculator

from aiida_osc.qc.fourpoint_runner.job import Job, Task
from aiida_osc.qc.fourpoint_runner.settings import RunnerSettings
from aiida_osc.qc.fourpoint_runner.worker import treat

pytestmark = pytest.mark.xtb


def test_scf_failure_is_a_reason(monkeypatch):
    def refuse(*_):
        raise RuntimeError('SCF not converged in 250 cycles')

    monkeypatch.setattr(Calculator, 'singlepoint', refuse)
    record = treat(Task('a', ETHYLENE), Job(), lambda stage: None)
    assert (record['status'], record['stage']) == ('failed', 'optimise_neutral')
    assert 'not converged' in record['reason']


def test_unconverged_optimisation_is_flagged():
    settings = RunnerSettings(max_steps=2, polarizability=False, xtb_program='none')
    record = treat(Task('a', 'CCO'), Job(settings=settings), lambda stage: None)
    assert record['status'] == 'flagged'
    assert 'gradient norm' in record['reason']


def test_same_seed_same_result():
    records = [
        treat(Task('a', THIOPHENE), Job(seed=5, settings=RunnerSettings(polarizability=False)), lambda stage: None)
        for _ in range(2)
    ]
    assert records[0]['geometries'] == records[1]['geometries']
    assert records[0]['properties'] == records[1]['properties']
