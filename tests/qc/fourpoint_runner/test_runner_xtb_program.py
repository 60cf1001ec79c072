"""The xtb program as an optimiser; programs that misbehave are scripts made here."""

import shutil
import sys
import time

import numpy as np
import pytest
from runner_jobs import embedded

from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.job import Job, Task
from aiida_osc.qc.fourpoint_runner.meter import Meter
from aiida_osc.qc.fourpoint_runner.plan import GFN2
from aiida_osc.qc.fourpoint_runner.search import find_minimum
from aiida_osc.qc.fourpoint_runner.settings import BOHR, RunnerSettings
from aiida_osc.qc.fourpoint_runner.tblite_engine import TbliteEngine
from aiida_osc.qc.fourpoint_runner.worker import treat
from aiida_osc.qc.fourpoint_runner.xtb_program import Program, environment_of, find_program

WATER = np.array([8, 1, 1])
NEAR = np.array([[0.0, 0.0, 0.12], [0.0, 0.80, -0.48], [0.0, -0.76, -0.48]])
needs_xtb = pytest.mark.skipif(shutil.which('xtb') is None, reason='the xtb program is not installed')


def script(folder, body):
    path = folder / 'fake_xtb'
    path.write_text(f'#!{sys.executable}\nimport sys, time\n{body}\n')
    path.chmod(0o755)
    return str(path)


def optimise(path, folder, timeout=20.0):
    return Program(path, 'xtb').optimise('GFN2-xTB', WATER, NEAR, 0, 0, folder, timeout)


def test_no_program_is_no_error(tmp_path):
    assert find_program('none') is None
    assert find_program('no-such-xtb') is None
    assert find_program(script(tmp_path, 'print("I am something else")')) is None
    assert find_program(script(tmp_path, 'sys.exit(3)')) is None


def test_version_is_read(tmp_path):
    program = find_program(script(tmp_path, 'print("   * xtb version 6.7.1 (edcfbbe) compiled by somebody")'))
    assert program.name == 'xtb 6.7.1'


@pytest.mark.parametrize(
    'body',
    [
        'print("nothing of use")',
        'sys.exit("abnormal termination of xtb")',
        'print("GEOMETRY OPTIMIZATION CONVERGED")',
        'print("GEOMETRY OPTIMIZATION CONVERGED"); open("xtbopt.xyz", "w").write("2\\n\\nO 0 0 0\\nH 0 0 1\\n")',
        'print("GEOMETRY OPTIMIZATION CONVERGED"); open("xtbopt.xyz", "w").write("3\\n\\nO 0 0 x\\nH 0 0\\nH")',
        'print("GEOMETRY OPTIMIZATION CONVERGED"); open("xtbopt.xyz", "wb").write(b"3\\n\\n\\xff\\xfe 0 0 0\\n")',
        'sys.stdout.buffer.write(bytes(range(256)))',
    ],
)
def test_bad_answers_are_no_minimum(tmp_path, body):
    assert optimise(script(tmp_path, body), tmp_path) is None
    assert [item.name for item in tmp_path.iterdir()] == ['fake_xtb'], 'the scratch folder is gone'


def test_endless_run_is_ended(tmp_path):
    begin = time.monotonic()
    assert optimise(script(tmp_path, 'time.sleep(300)'), tmp_path, timeout=1.0) is None
    assert time.monotonic() - begin < 100


def test_parameters_beside_the_program_are_found(tmp_path, monkeypatch):
    monkeypatch.delenv('XTBPATH', raising=False)
    (tmp_path / 'bin').mkdir()
    (tmp_path / 'share' / 'xtb').mkdir(parents=True)
    program = str(tmp_path / 'bin' / 'xtb')
    assert environment_of(program)['XTBPATH'] == str((tmp_path / 'share' / 'xtb').resolve())
    monkeypatch.setenv('XTBPATH', '/elsewhere')
    assert environment_of(program)['XTBPATH'] == '/elsewhere'


@needs_xtb
@pytest.mark.xtb_program
def test_real_program_finds_our_minimum(tmp_path):
    start = embedded('c1ccsc1')
    program = find_program('xtb')
    relaxed = program.optimise('GFN2-xTB', start.numbers, start.positions * BOHR, 0, 0, tmp_path, 100.0)
    engine = TbliteEngine(GFN2, start.numbers, start.positions, 0, Meter())
    # xtb 6.5.1 --opt vtight.
    assert engine.energy(relaxed.positions / BOHR) == pytest.approx(-13.818275443, abs=1e-5)
    assert relaxed.steps > 1


@needs_xtb
@pytest.mark.xtb_program
def test_program_takes_over_where_our_optimiser_does_not_converge(tmp_path):
    settings = RunnerSettings(max_steps=2, polarizability=False)
    record = treat(Task('a', 'c1ccsc1'), Job(settings=settings, folder=tmp_path), lambda stage: None)
    assert record['status'] == 'ok', record['reason']
    assert {name.split()[0] for name in record['optimiser'].values()} == {'xtb'}
    assert record['optimiser']['0'] == find_program('xtb').name
    # xtb 6.5.1 --opt vtight, charge 0 and charge 1.
    assert record['energies']['GFN2:0@0'] == pytest.approx(-13.818275443, abs=1e-5)
    assert record['energies']['GFN2:1@1'] == pytest.approx(-13.307978176, abs=1e-5)
    assert list(tmp_path.iterdir()) == []


@needs_xtb
@pytest.mark.xtb_program
def test_setting_leaves_the_program_alone():
    start = embedded('CCO')
    for settings in (
        RunnerSettings(max_steps=2, xtb_program='none'),
        RunnerSettings(max_steps=2, optimiser='internal'),
    ):
        engine = TbliteEngine(GFN2, start.numbers, start.positions, 0, Meter())
        minimum, name = find_minimum(engine, start.positions, start.bonds, Surroundings(settings))
        assert not minimum.converged
        assert name == 'internal'


@pytest.mark.xtb
def test_failing_scf_is_left_to_the_program_and_fails_with_it(monkeypatch, tmp_path):
    """Where the program has no minimum either, the reason is that of the SCF."""

    def refuse(*_):
        raise RuntimeError('SCF not converged in 250 cycles')

    monkeypatch.setattr('aiida_osc.qc.fourpoint_runner.tblite_engine.Calculator.singlepoint', refuse)
    job = Job(settings=RunnerSettings(xtb_program=script(tmp_path, 'print("xtb version 1.0")')))
    record = treat(Task('a', 'O'), job, lambda stage: None)
    assert record['status'] == 'failed'
    assert 'not converged' in record['reason']
