"""The checks and steps that need no daemon, on the profile of the tests."""

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from types import SimpleNamespace

import pytest

from aiida_osc.cli import checks, daemon, installation, liveness, process_checks
from aiida_osc.cli.findings import Finding
from aiida_osc.errors import OscError

Usage = namedtuple('Usage', 'total used free')


def test_finding_is_one_line_with_its_cure():
    assert str(Finding('error', 'no code', 'aiida-osc setup')) == 'error: no code -> aiida-osc setup'
    assert Finding('warning', 'slow').is_wrong
    assert not Finding('note', 'paused by hand').is_wrong


def test_verdi_missing_on_path_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    (finding,) = checks.check_programs(None)
    assert finding.cure.startswith('export PATH=')


def test_environment_puts_its_own_verdi_before_a_foreign_one(monkeypatch, tmp_path):
    foreign = tmp_path / 'verdi'
    foreign.write_text('#!/bin/sh\n')
    foreign.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    installation.prepare_environment()
    assert shutil.which('verdi') == str(installation.Path(sys.executable).parent / 'verdi')


@pytest.mark.parametrize(('free', 'severity'), [(1e8, 'error'), (1e9, 'warning'), (5e9, None)])
def test_disk(monkeypatch, aiida_profile, free, severity):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(1e12, 1e12 - free, free))
    findings = checks.check_disk(aiida_profile)
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_profile_without_broker_is_named(aiida_profile):
    if aiida_profile.process_control_backend is not None:
        pytest.skip('the profile of the tests has a broker')
    (finding,) = checks.check_daemon(aiida_profile)
    assert 'verdi profile configure-broker core.zeromq' in finding.cure


def test_caching_is_found_off_and_switched_on(aiida_profile_clean):
    (finding,) = checks.check_caching(aiida_profile_clean)
    finding.fix()
    try:
        assert checks.check_caching(aiida_profile_clean) == []
        assert not installation.ensure_caching(aiida_profile_clean).changed
    finally:
        from aiida.manage.configuration import get_config

        get_config().unset_option('caching.enabled_for', scope=aiida_profile_clean.name)


def test_computer_with_login_shell_is_left_alone_and_another_made(aiida_profile_clean, tmp_path):
    from aiida.orm import Computer

    users = Computer('localhost', 'localhost', transport_type='core.local', scheduler_type='core.direct',
                     workdir=str(tmp_path)).store()  # fmt: skip
    users.configure(use_login_shell=True, safe_interval=0)
    assert installation.find_computer() is None
    computer, step = installation.ensure_computer(aiida_profile_clean)
    assert (computer.label, step.changed) == ('localhost-osc', True)
    assert computer.get_default_mpiprocs_per_machine() == installation.cores()
    assert users.get_configuration()['use_login_shell'] is True
    again, step = installation.ensure_computer(aiida_profile_clean)
    assert (again.uuid, step.changed) == (computer.uuid, False)


def test_code_is_reused_and_replaced_when_its_python_is_gone(aiida_profile_clean, monkeypatch):
    monkeypatch.setattr(installation, 'check_engine', engine_of_this_python_only)
    computer, _ = installation.ensure_computer(aiida_profile_clean)
    gone = installation._make_code(computer, '/no/such/python')
    code, step = installation.ensure_code(computer, None)
    assert step.changed
    assert (code.label, str(code.filepath_executable)) == ('tblite', sys.executable)
    assert (gone.label, gone.is_hidden) == (f'tblite-{gone.pk}', True)
    same, step = installation.ensure_code(computer, None)
    assert (same.uuid, step.changed) == (code.uuid, False)
    with pytest.raises(OscError):
        installation.ensure_code(computer, '/no/such/python')
    assert installation.find_code(computer).uuid == code.uuid


def engine_of_this_python_only(python):
    if python != sys.executable:
        raise OscError(f'{python} cannot be run')
    return {'tblite': '0.8.0'}


def test_engine_check_names_the_versions_of_this_python():
    versions = installation.check_engine(sys.executable)
    assert sorted(versions) == ['rdkit', 'tblite']


def test_tasks_are_read_without_moving_them(tmp_path):
    """AiiDA's queue object would move the task that a worker holds back to the waiting ones."""
    tasks = tmp_path / 'tasks'
    for state, pid in (('pending', 3), ('processing', 4)):
        (tasks / state).mkdir(parents=True)
        (tasks / state / f'1_{pid}.json').write_text(json.dumps({'body': {'task': 'continue', 'args': {'pid': pid}}}))
    (tasks / 'processing' / '2_x.json').write_text('{broken')
    assert liveness.queued_processes(SimpleNamespace(_storage_path=tmp_path)) == {3, 4}
    assert (tasks / 'processing' / '1_4.json').exists()


@pytest.mark.parametrize(
    ('command', 'expected'),
    [
        (['/env/bin/python3', '/env/bin/verdi', '-p', 'osc', 'daemon', 'worker'], True),
        (['/env/bin/python3', '/env/bin/verdi', '-p', 'osc', 'daemon', 'start-circus', '2'], True),
        (['/env/bin/python3', '/env/bin/verdi', 'shell'], False),
        (['python', 'daemon'], False),
    ],
)
def test_daemon_is_told_apart(command, expected):
    assert liveness.is_daemon(command) is expected


def test_busy_daemon_counts_as_running():
    """Under load it answers late; its workers are its children then."""
    from aiida.engine.daemon.client import DaemonNotRunningException, DaemonTimeoutException

    def late(timeout):
        raise DaemonTimeoutException

    def never(timeout):
        raise DaemonNotRunningException

    command = [sys.executable, '-c', 'import time; time.sleep(60)', 'daemon', 'worker']
    with subprocess.Popen(command) as worker:
        client = SimpleNamespace(get_worker_info=late, get_daemon_pid=os.getpid)
        assert worker.pid in daemon.worker_pids(client)
        worker.kill()
    assert daemon.worker_pids(SimpleNamespace(get_worker_info=never)) is None


def test_ended_process_without_seal_is_sealed(aiida_profile_clean):
    from aiida.orm import CalcFunctionNode

    node = CalcFunctionNode()
    node.set_process_state('finished')
    node.store()
    (finding,) = process_checks.check_processes(aiida_profile_clean)
    assert f'process {node.pk} has ended but is not sealed' in finding.text
    finding.fix()
    assert node.is_sealed
    assert process_checks.check_processes(aiida_profile_clean) == []


def test_paused_by_hand_is_only_a_note(aiida_profile_clean):
    from aiida.orm import CalcJobNode

    for status in (
        'Paused through `verdi process pause`',
        'Pausing after failed transport task: upload failed 5 times',
    ):
        node = CalcJobNode()
        node.set_process_state('waiting')
        node.set_process_status(status)
        node.pause()
        node.store()
    failed, by_hand = process_checks.check_paused(aiida_profile_clean)
    assert (failed.severity, by_hand.severity) == ('warning', 'note')
    assert failed.cure == f'verdi -p {aiida_profile_clean.name} process play {node.pk}'
