"""What the tests of the command line share: a way to run a command, and one installation for all daemon tests."""

import pytest
from click.testing import CliRunner
from newcomer import Shell

from aiida_osc.cli import main


@pytest.fixture
def run_command(tmp_path, monkeypatch):
    """Return a function that runs ``aiida-osc`` in an empty folder and looks at its exit status."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, [str(item) for item in arguments])
        assert result.exit_code == code, result.output
        assert 'Traceback' not in result.output
        return result

    return run


@pytest.fixture
def no_profile(monkeypatch):
    """Make any attempt to load a profile fail."""

    def refuse(*args, **kwargs):
        raise AssertionError('a profile was loaded')

    monkeypatch.setattr('aiida.load_profile', refuse)


@pytest.fixture(scope='session')
def shell(tmp_path_factory):
    """A newcomer's shell in which ``aiida-osc setup`` has run once; its output is ``shell.first``."""
    shell = Shell(tmp_path_factory.mktemp('newcomer'))
    shell.first = shell.run('aiida-osc', 'setup')
    yield shell
    shell.run('verdi', 'daemon', 'stop', '--timeout', '90')
