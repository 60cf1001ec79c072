"""One installation that all daemon tests of the command line share."""

import pytest
from newcomer import Shell


@pytest.fixture(scope='session')
def shell(tmp_path_factory):
    """A newcomer's shell in which ``aiida-osc setup`` has run once; its output is ``shell.first``."""
    shell = Shell(tmp_path_factory.mktemp('newcomer'))
    shell.first = shell.run('aiida-osc', 'setup')
    yield shell
    shell.run('verdi', 'daemon', 'stop', '--timeout', '90')
