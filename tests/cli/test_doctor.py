"""``aiida-osc doctor`` on a real installation with dead workers, lost tasks and a stopped daemon."""

import os
import signal

import pytest
from newcomer import wait_until

pytestmark = [pytest.mark.daemon, pytest.mark.slow]


@pytest.fixture
def folder(tmp_path):
    yield tmp_path
    (tmp_path / 'go').touch()  # let no process of a failed test wait for ever


def test_doctor_finds_nothing_wrong_after_setup(shell):
    outcome = shell.run('aiida-osc', 'doctor')
    assert (outcome.returncode, outcome.stdout) == (0, 'profile osc: all is well\n')


def test_killed_worker_is_cured_and_living_processes_are_left_alone(shell, folder, tmp_path):
    pk = shell.python('submit', str(folder))
    wait_until((folder / 'worker').exists)
    calcfunction = shell.python('children', pk)

    living = shell.run('aiida-osc', 'doctor', '--fix')
    assert (living.returncode, living.stdout) == (0, 'profile osc: all is well\n')
    assert shell.python('state', calcfunction) == 'running unsealed'

    first = int((folder / 'worker').read_text())
    (folder / 'worker').unlink()
    os.kill(first, signal.SIGKILL)
    wait_until((folder / 'worker').exists)  # the workflow went on in another worker

    found = shell.run('aiida-osc', 'doctor')
    assert found.returncode == 1
    assert found.stdout.splitlines()[0] == (
        f'error: process {calcfunction} died with the worker that ran it and blocks archives'
        ' -> aiida-osc doctor --profile osc --fix'
    )
    cured = shell.run('aiida-osc', 'doctor', '--fix')
    assert cured.returncode == 0, cured.stdout
    assert shell.python('state', calcfunction) == 'killed sealed'

    (folder / 'go').touch()
    assert shell.python('end', pk) == 'finished sealed'
    archive = shell.run('verdi', 'archive', 'create', '--all', str(tmp_path / 'all.aiida'))
    assert archive.returncode == 0, archive.stderr


def test_calcfunction_of_another_program_is_left_alone_until_that_dies(shell, folder):
    with shell.start('run', str(folder)) as program:
        try:
            wait_until((folder / 'worker').exists)
            calcfunction = shell.python('last')
            assert shell.run('aiida-osc', 'doctor', '--fix').stdout == 'profile osc: all is well\n'
            assert shell.python('state', calcfunction) == 'running unsealed'
        finally:
            program.kill()
    assert f'error: process {calcfunction} died' in shell.run('aiida-osc', 'doctor').stdout
    assert shell.run('aiida-osc', 'doctor', '--fix').returncode == 0
    assert shell.python('state', calcfunction) == 'killed sealed'


def test_lost_submission_gets_a_new_task(shell, folder):
    (folder / 'go').touch()
    pk = shell.python('forget', str(folder))
    found = shell.run('aiida-osc', 'doctor')
    assert found.returncode == 1
    assert f'verdi -p osc devel rabbitmq tasks revive --force {pk}' in found.stdout
    assert shell.run('aiida-osc', 'doctor', '--fix').returncode == 0
    assert shell.python('end', pk) == 'finished sealed'


def test_stopped_daemon_is_started(shell):
    assert shell.run('verdi', 'daemon', 'stop', '--timeout', '90').returncode == 0
    found = shell.run('aiida-osc', 'doctor')
    assert (found.returncode, found.stdout.splitlines()[0]) == (
        1, 'error: the daemon is not running -> verdi -p osc daemon start 2',
    )  # fmt: skip
    cured = shell.run('aiida-osc', 'doctor', '--fix')
    assert (cured.returncode, cured.stdout.splitlines()[-1]) == (0, 'profile osc: all is well')


def test_missing_worker_is_added(shell):
    assert shell.run('verdi', 'daemon', 'decr', '1', '--timeout', '90').returncode == 0
    assert '-> verdi -p osc daemon incr 1' in shell.run('aiida-osc', 'doctor').stdout
    assert shell.run('aiida-osc', 'doctor', '--fix').returncode == 0


def test_missing_profile_ends_in_a_sentence(shell):
    outcome = shell.run('aiida-osc', 'doctor', '--profile', 'nobody')
    assert outcome.returncode == 1
    assert 'run: aiida-osc setup' in outcome.stderr
    assert 'Traceback' not in outcome.stderr
