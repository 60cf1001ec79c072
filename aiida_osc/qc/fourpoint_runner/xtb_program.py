"""The xtb program as an optimiser: in a scratch folder, in a process that can be ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem

from .child import die_with_parent
from .settings import NO_PROGRAM

METHODS = {'GFN2-xTB': '2', 'GFN1-xTB': '1'}
CONVERGENCE = 'tight'
INPUT, OUTPUT = 'start.xyz', 'xtbopt.xyz'
CONVERGED = 'GEOMETRY OPTIMIZATION CONVERGED'
VERSION = re.compile(r'xtb version (\d+(?:\.\d+)*)')
LOOK_TIMEOUT = 20.0


@dataclass(frozen=True)
class Relaxed:
    """What the program found.

    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :param steps: number of its optimisation cycles.
    """

    positions: np.ndarray
    steps: int


@dataclass(frozen=True)
class Program:
    """An xtb program that answers.

    :param path: the executable.
    :param name: such as ``xtb 6.5.1``.
    """

    path: str
    name: str

    def optimise(
        self, method: str, numbers: np.ndarray, positions: np.ndarray, charge: int, unpaired: int, folder: Path,
        timeout: float,
    ) -> Relaxed | None:  # fmt: skip
        """Return the minimum that the program finds, None when it finds none in time.

        :param method: one of :data:`METHODS`.
        :param numbers: atomic numbers, shape ``(atoms,)``.
        :param positions: in Angstrom, shape ``(atoms, 3)``.
        :param folder: where the scratch folder is made; it is removed afterwards.
        :param timeout: in seconds.
        """
        words = ['--gfn', METHODS[method], '--chrg', str(charge), '--uhf', str(unpaired), '--opt', CONVERGENCE]
        with tempfile.TemporaryDirectory(prefix='xtb-', dir=folder) as name:
            scratch = Path(name)
            (scratch / INPUT).write_text(_xyz(numbers, positions))
            text = _run([self.path, INPUT, *words], scratch, timeout)
            if text is None or CONVERGED not in text or not (scratch / OUTPUT).is_file():
                return None
            end = _read_xyz((scratch / OUTPUT).read_text(errors='replace'), numbers)
        return None if end is None else Relaxed(end, len(re.findall(r'CYCLE +\d+', text)))


def find_program(name: str) -> Program | None:
    """Return the xtb program of that name or path, None when there is none that tells its version."""
    path = None if name == NO_PROGRAM else shutil.which(name)
    if path is None:
        return None
    found = VERSION.search(_run([path, '--version'], Path('.'), LOOK_TIMEOUT) or '')
    return Program(path, f'xtb {found[1]}') if found else None


def environment_of(path: str) -> dict[str, str]:
    """Return the environment with one thread, and with the parameter files beside the program where none are named."""
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
    beside = Path(path).resolve().parent.parent / 'share' / 'xtb'
    if 'XTBPATH' not in environment and beside.is_dir():
        environment['XTBPATH'] = str(beside)
    return environment


def _run(command: list[str], folder: Path, timeout: float) -> str | None:
    """Return what a program says, None when it cannot be started or does not end well in time."""
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=environment_of(command[0]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
    except OSError:
        return None
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    return output.decode('utf-8', errors='replace') if process.returncode == 0 else None


def _xyz(numbers: np.ndarray, positions: np.ndarray) -> str:
    table = Chem.GetPeriodicTable()
    rows = [
        ' '.join([table.GetElementSymbol(int(number)), *(f'{value:.10f}' for value in positions[n])])
        for n, number in enumerate(numbers)
    ]
    return '\n'.join([str(len(rows)), '', *rows]) + '\n'


def _read_xyz(text: str, numbers: np.ndarray) -> np.ndarray | None:
    """Return the positions in Angstrom, None when the file is not of these atoms in this order."""
    rows, table = [line.split() for line in text.splitlines()[2 : 2 + len(numbers)]], Chem.GetPeriodicTable()
    try:
        symbols = [table.GetAtomicNumber(row[0].capitalize()) for row in rows]
        positions = np.array([[float(word) for word in row[1:4]] for row in rows])
    except (IndexError, ValueError, RuntimeError):
        return None
    same = symbols == [int(number) for number in numbers] and positions.shape == (len(numbers), 3)
    return positions if same and bool(np.isfinite(positions).all()) else None
