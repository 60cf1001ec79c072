"""A newcomer's shell: own home and AiiDA folder, and the programs of this environment by their full path."""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent


class Shell:
    """Runs programs with HOME and AIIDA_PATH below one folder."""

    def __init__(self, folder: Path):
        """Make the folders."""
        self.home = folder / 'home'
        self.home.mkdir()
        self.aiida = folder / 'aiida'
        self.env = {
            'HOME': str(self.home),
            'AIIDA_PATH': str(self.aiida),
            'PATH': '/usr/bin:/bin',  # as when the environment is not activated
            'PYTHONPATH': os.pathsep.join([str(HERE), str(HERE.parent.parent)]),  # the waiting processes, this checkout
            'OMP_NUM_THREADS': '1',
            'LANG': os.environ.get('LANG', 'C.UTF-8'),
        }

    def run(self, program: str, *arguments: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment and return what it wrote."""
        command = [str(PROGRAMS / program), *arguments]
        return subprocess.run(
            command, env=self.env, cwd=self.home, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the program of waiting processes and do not wait for it."""
        command = [str(PROGRAMS / 'python'), str(HERE / 'waiting_processes.py'), *arguments]
        return subprocess.Popen(command, env=self.env, cwd=self.home, stdout=subprocess.DEVNULL, text=True)

    def python(self, *arguments: str) -> str:
        """Run the program of waiting processes and return its output."""
        outcome = self.run('python', str(HERE / 'waiting_processes.py'), *arguments)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()


def wait_until(condition, seconds: float = 180) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.2)
