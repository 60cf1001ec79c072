"""An installation of its own: AiiDA folder, home, profile and daemon below one folder, driven from the outside.

Tests and benchmarks share this file.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = Path(sys.executable).parent
CHECKOUT = Path(__file__).parents[2]


class OwnProfile:
    """Runs programs with AIIDA_PATH below a folder and a home that is not the user's."""

    def __init__(self, folder: Path, home: Path):
        """Make the folder; the home exists."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.home = folder, home
        self.environment = {
            **os.environ,
            'AIIDA_PATH': str(folder / 'aiida'),
            'HOME': str(home),
            'XDG_CACHE_HOME': str(folder / 'cache'),
            'XDG_CONFIG_HOME': str(folder / 'config'),
            'PATH': f'{PROGRAMS}{os.pathsep}{os.environ.get("PATH", os.defpath)}',
            'OMP_NUM_THREADS': '1',
        }

    def run(self, program: str, *arguments: str, check: bool = True, timeout: float = 600):
        """Run a program of this environment and return what it wrote."""
        done = subprocess.run(
            [str(PROGRAMS / program), *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f'{program} {arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}')
        return done

    def setup(self, workers: int = 2) -> None:
        """Make the profile and start its daemon, which waits little before it tries again what failed."""
        self.run('aiida-osc', 'setup', '--no-daemon')
        for option, value in (('transport.task_retry_initial_interval', '1'), ('transport.task_maximum_attempts', '2')):
            self.run('verdi', 'config', 'set', option, value)
        self.run('verdi', 'daemon', 'start', str(workers))

    def stop(self) -> None:
        """Stop the daemon."""
        self.run('verdi', 'daemon', 'stop', '--timeout', '90', check=False)

    def ask(self, script: str, *arguments: object):
        """Run a script with the profile loaded; return what it prints last, as JSON."""
        done = self.run('verdi', 'run', '--', script, *map(str, arguments))
        return json.loads(done.stdout.splitlines()[-1])


def wait_until(condition, what: str, seconds: float = 300, pause: float = 0.5) -> None:
    """Wait until a condition holds.

    :raises RuntimeError: when it does not in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f'waited in vain for {what}')
        time.sleep(pause)
