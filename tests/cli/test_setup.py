"""``aiida-osc setup`` as a newcomer and as an experienced user meet it."""

import json

import pytest
from newcomer import PROGRAMS

from aiida_osc.cli.installation import CACHED_PROCESSES

pytestmark = [pytest.mark.daemon, pytest.mark.slow]


def config_of(shell):
    return json.loads((shell.aiida / '.aiida' / 'config.json').read_text())


def test_first_run_makes_everything(shell):
    assert shell.first.returncode == 0, shell.first.stderr
    assert shell.first.stderr == ''
    lines = shell.first.stdout.splitlines()
    assert [line.split(':')[0] for line in lines] == [
        'profile osc', 'caching of osc processes', 'computer localhost', 'code tblite@localhost', 'daemon', 'ready',
    ]  # fmt: skip
    assert lines[0].startswith('profile osc: made (core.sqlite_dos, broker core.zeromq)')
    assert str(PROGRAMS / 'python') in lines[3]
    assert lines[4] == 'daemon: started with 2 workers'
    config = config_of(shell)
    assert config['default_profile'] == 'osc'
    assert config['profiles']['osc']['options']['caching.enabled_for'] == list(CACHED_PROCESSES)


def test_nothing_is_written_to_the_home_folder(shell):
    assert list(shell.home.iterdir()) == []


def test_second_run_changes_nothing(shell):
    before = config_of(shell)
    second = shell.run('aiida-osc', 'setup')
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines()[-1] == 'ready, nothing changed'
    assert 'made' not in second.stdout
    assert config_of(shell) == before
    assert len(shell.run('verdi', 'code', 'list', '--raw').stdout.splitlines()) == 1


def test_daemon_finds_its_programs_without_activation(shell):
    status = shell.run('verdi', 'daemon', 'status')
    assert status.returncode == 0, status.stdout
    assert 'Active workers [2]' in status.stdout


def test_python_without_engine_is_refused_with_the_cure(shell, tmp_path):
    bare = tmp_path / 'python'
    bare.write_text('#!/bin/sh\necho "ModuleNotFoundError: No module named tblite" >&2\nexit 1\n')
    bare.chmod(0o755)
    outcome = shell.run('aiida-osc', 'setup', '--python', str(bare), '--no-daemon')
    assert outcome.returncode == 1
    assert f'run: {bare} -m pip install tblite' in outcome.stderr
    assert 'Traceback' not in outcome.stderr


def test_profile_of_an_experienced_user_is_kept(shell):
    """His computer, his caching patterns and his default profile stay as they are."""
    assert shell.run('verdi', 'presto', '-p', 'work', '--use-zeromq').returncode == 0
    assert shell.run('verdi', '-p', 'work', 'config', 'set', '-a', 'caching.enabled_for', 'aiida.calculations:core.*')
    outcome = shell.run('aiida-osc', 'setup', '--profile', 'work', '--no-daemon')
    assert outcome.returncode == 0, outcome.stderr
    assert 'profile work: there' in outcome.stdout
    assert 'computer localhost-osc: made' in outcome.stdout
    config = config_of(shell)
    patterns = ['aiida.calculations:core.*', *CACHED_PROCESSES]
    assert config['profiles']['work']['options']['caching.enabled_for'] == patterns
    assert config['default_profile'] == 'work'  # made the default by verdi presto
    codes = shell.run('verdi', '-p', 'work', 'code', 'list', '--raw').stdout
    assert codes.split()[0] == 'tblite@localhost-osc'
    again = shell.run('aiida-osc', 'setup', '--no-daemon')
    assert 'make it the default: verdi profile set-default osc' in again.stdout
    assert shell.run('verdi', 'profile', 'set-default', 'osc').returncode == 0
