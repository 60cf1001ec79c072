"""Run the four-point scheme for a batch of molecules with tblite: one file that needs neither AiiDA nor aiida-osc.

Started in a folder that holds ``input.json`` as ``python fourpoint_runner.py [FOLDER]``. Every finished molecule is
appended to ``results.jsonl`` at once, so a killed job keeps what it has and a second start does only the rest.

Exit codes: 0 all molecules treated (also when some failed), 2 bad input, 3 engine missing, 4 interrupted.

Sections: settings, input, start geometry, engine, internal coordinates, optimiser, four-point scheme, checks,
worker, launch lock, supervisor.
"""

import ctypes
import json
import math
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == '__main__':
    # One process per core: threads inside the linear algebra would only fight each other; must precede numpy.
    for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
        os.environ[_name] = '1'

MISSING = ''
try:
    import numpy as np
    from rdkit import Chem, RDLogger, rdBase
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
    from tblite import library
    from tblite.interface import Calculator, Result
    from tblite.library import ffi  # type: ignore[attr-defined]
except (ImportError, OSError) as _exception:
    MISSING = str(_exception)

# ---------------------------------------------------------------------------------------------------- settings

FORMAT = 1
OK_CODE, BAD_INPUT, ENGINE_MISSING, INTERRUPTED = 0, 2, 3, 4
INPUT, RESULTS, PROGRESS, SUMMARY, LOG, LOCK = (
    'input.json', 'results.jsonl', 'progress.json', 'summary.json', 'runner.log', 'launch.lock',
)  # fmt: skip

HARTREE_TO_EV = 27.211386245981
BOHR = 0.529177210544
AU_TO_DEBYE = 2.5417464715
#: The xtb program subtracts this from IPEA1 energy differences, in eV.
IPEA1_SHIFT = 4.8455
CHARGES = (0, 1, -1)
CHARGE_NAMES = {0: 'neutral', 1: 'cation', -1: 'anion'}


PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class RunnerSettings:
    """What may stand under ``settings`` in ``input.json``.

    :param conformers: how many conformers are embedded; the one of lowest force-field energy is the start.
    :param embed_timeout: seconds per embedding attempt.
    :param molecule_timeout: wall seconds per molecule.
    :param max_steps: gradient calls per optimisation attempt.
    :param gradient_tolerance: largest norm of the Cartesian gradient at a minimum, in Eh/bohr.
    :param energy_tolerance: largest energy still to be gained, in Eh.
    :param max_wall_seconds: stop cleanly (exit code 4) after that time; 0 for never.
    :param polarizability: whether the static polarizability of the neutral is computed by finite field.
    :param retry_failed: whether molecules that failed in an earlier run of the folder are tried again.
    :param stale_seconds: a holder of the lock whose heartbeat stands still for so long counts as dead.
    """

    conformers: int = 1
    embed_timeout: float = 60.0
    molecule_timeout: float = 3600.0
    max_steps: int = 300
    gradient_tolerance: float = 7e-4
    energy_tolerance: float = 2e-6
    max_wall_seconds: float = 0.0
    polarizability: bool = True
    retry_failed: bool = False
    stale_seconds: float = 60.0


class InputError(ValueError):
    """The input cannot be used; the message says what to do."""


class MoleculeFailure(Exception):  # noqa: N818 - no error of the program, an outcome
    """A molecule cannot be treated; ``stage`` tells where it ended."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


# ------------------------------------------------------------------------------------------------------- input


@dataclass(frozen=True)
class Task:
    """One molecule to do; ``start`` holds numbers and positions (Angstrom) or None."""

    key: str
    smiles: str
    start: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        """Return a number that grows with the number of atoms."""
        return len(self.start['numbers']) if self.start else sum(letter.isalpha() for letter in self.smiles)


@dataclass(frozen=True)
class Job:
    """The whole of ``input.json``."""

    cores: int
    seed: int
    settings: RunnerSettings
    tasks: tuple[Task, ...]


def read_input(path: Path) -> Job:
    """Return the job described by ``input.json``.

    :raises InputError: when the file is missing, no JSON, or holds something unexpected.
    """
    try:
        raw = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as exception:
        raise InputError(f'{path.name} cannot be read ({exception}): write it as JSON into the job folder') from None
    if not isinstance(raw, dict) or raw.get('format') != FORMAT:
        raise InputError(f'{path.name} is not of format {FORMAT}: write it with the aiida-osc that made this runner')
    if raw.get('engine', 'tblite') != 'tblite':
        raise InputError(f'engine {raw["engine"]!r} is unknown: this runner knows tblite')
    cores, seed = raw.get('cores') or available_cores(), raw.get('seed', 0)
    if not isinstance(cores, int) or cores < 1 or not isinstance(seed, int):
        raise InputError('cores must be a positive and seed a whole number')
    return Job(cores, seed, read_settings(raw.get('settings') or {}), read_tasks(raw.get('molecules')))


def read_settings(raw: Any) -> RunnerSettings:
    """Return the settings, numbers checked.

    :raises InputError: for unknown names and values of the wrong type or sign.
    """
    defaults: dict[str, Any] = {item.name: item.default for item in fields(RunnerSettings)}
    unknown = sorted(set(raw) - set(defaults)) if isinstance(raw, dict) else ['(no mapping)']
    if unknown:
        raise InputError(f'unknown settings {", ".join(unknown)}: use {", ".join(defaults)}')
    for name, value in raw.items():
        if (fault := _setting_fault(value, defaults[name])) is not None and (name, value) != ('max_wall_seconds', 0):
            raise InputError(f'setting {name} = {value!r} must be {fault}')
    return RunnerSettings(**raw)


def _setting_fault(value: Any, default: Any) -> str | None:
    if isinstance(default, bool) or isinstance(value, bool):
        return None if isinstance(default, bool) and isinstance(value, bool) else f'like {default!r}'
    if not isinstance(value, int if isinstance(default, int) else int | float):
        return 'a whole number' if isinstance(default, int) else 'a number'
    return None if 0 < value < math.inf else 'positive'


def read_tasks(raw: Any) -> tuple[Task, ...]:
    """Return the molecules of the job.

    :raises InputError: when there are none, a key repeats or an entry has the wrong shape.
    """
    if not isinstance(raw, list) or not raw:
        raise InputError('no molecules: list at least one under "molecules"')
    tasks: dict[str, Task] = {}
    for number, item in enumerate(raw):
        if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in ('key', 'smiles')):
            raise InputError(f'molecule {number} needs the texts "key" and "smiles"')
        start = item.get('start')
        if start is not None and not _is_geometry(start):
            raise InputError(
                f'start geometry of molecule {number} needs "numbers" and as many "positions" of 3 numbers'
            )
        if item['key'] in tasks:
            raise InputError(f'molecule {item["key"]} stands twice in the input: leave one out')
        tasks[item['key']] = Task(item['key'], item['smiles'], start)
    return tuple(tasks.values())


def _is_geometry(raw: Any) -> bool:
    if not isinstance(raw, dict) or not isinstance(raw.get('numbers'), list):
        return False
    try:
        positions = np.array(raw.get('positions'), dtype=float)
    except (TypeError, ValueError):
        return False
    whole = all(isinstance(number, int) and 0 < number < 87 for number in raw['numbers'])
    return whole and positions.shape == (len(raw['numbers']), 3) and bool(np.isfinite(positions).all())


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


# ---------------------------------------------------------------------------------------------- start geometry


@dataclass(frozen=True)
class Start:
    """A start structure.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param positions: in bohr, shape ``(atoms, 3)``.
    :param bonds: pairs of atoms, shape ``(bonds, 2)``.
    :param origin: how it was made.
    """

    numbers: 'np.ndarray'
    positions: 'np.ndarray'
    bonds: 'np.ndarray'
    origin: str


def make_start(task: Task, settings: RunnerSettings, seed: int) -> Start:
    """Return the start structure of a molecule, embedded in a child process that dies with its time-out.

    :raises MoleculeFailure: in stage ``embed``.
    """
    if task.start is not None:
        return _given_start(task)
    reasons = []
    for random_coordinates in (False, True):
        answer = _in_child(
            partial(embed, task.smiles, settings, seed, random_coordinates=random_coordinates), settings.embed_timeout
        )
        if isinstance(answer, Start):
            return answer
        reasons.append(answer)
    raise MoleculeFailure('embed', f'no start geometry: {reasons[0]}; from random coordinates: {reasons[1]}')


def embed(smiles: str, settings: RunnerSettings, seed: int, *, random_coordinates: bool) -> Start | str:
    """Return the ETKDGv3 conformer of lowest MMFF94 (or UFF, or no) energy, or the reason why there is none."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return 'the SMILES is not valid'
    if Chem.GetFormalCharge(mol) or len(Chem.GetMolFrags(mol)) != 1:
        return 'the SMILES is not one neutral molecule'
    mol = Chem.AddHs(mol)
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed, parameters.useRandomCoords = seed + 1, random_coordinates
    parameters.timeout = max(1, int(settings.embed_timeout))
    if not list(rdDistGeom.EmbedMultipleConfs(mol, settings.conformers, parameters)):
        return 'embedding failed'
    origin = 'ETKDGv3-random' if random_coordinates else 'ETKDGv3'
    outcome: list[tuple[int, float]] = []
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        outcome, origin = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=2000), f'{origin}+MMFF94'
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        outcome, origin = rdForceFieldHelpers.UFFOptimizeMoleculeConfs(mol, maxIters=2000), f'{origin}+UFF'
    best = int(np.argmin([energy for _, energy in outcome])) if outcome else 0
    positions = mol.GetConformers()[best].GetPositions() / BOHR
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    return Start(_numbers(mol), positions, np.array(bonds, dtype=int).reshape(-1, 2), origin)


def _in_child(function: Callable[[], Any], timeout: float) -> Any:
    """Return what ``function`` returns in a forked child, or a text when it crashed or took too long."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = os.fork()
    if process == 0:
        die_with_parent()
        # The alarm's default action ends the child even inside compiled code and when its parent is gone.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, timeout + 5.0)
        try:
            sender.send(function())
        except Exception as exception:
            sender.send(f'{type(exception).__name__}: {exception}')
        finally:
            os._exit(0)
    sender.close()
    try:
        return receiver.recv() if receiver.poll(timeout) else f'no end within {timeout:g} s'
    except EOFError:
        return 'the embedding process crashed'
    finally:
        receiver.close()
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies; without Linux, alarms and parent checks do it later."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return


def _given_start(task: Task) -> Start:
    """Return the structure of the input after a look that it is the molecule of the SMILES."""
    mol = Chem.MolFromSmiles(task.smiles)
    if mol is None:
        raise MoleculeFailure('embed', 'the SMILES is not valid')
    mol = Chem.AddHs(mol)
    given = task.start or {}
    numbers, positions = np.array(given['numbers']), np.array(given['positions'], dtype=float) / BOHR
    bonds = find_bonds(numbers, positions, BOND_FACTOR)
    expected = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    if skeleton(numbers, bonds) != skeleton(_numbers(mol), expected):
        raise MoleculeFailure('embed', 'the start geometry is not the molecule of the SMILES')
    return Start(numbers, positions, bonds, 'given')


def _numbers(mol: 'Chem.Mol') -> 'np.ndarray':
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])


# ------------------------------------------------------------------------------------------------------ engine


@dataclass
class Meter:
    """Wall seconds and calls spent inside the engine for one molecule."""

    seconds: float = 0.0
    calls: int = 0

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what ``function`` returns and count its time."""
        begin = time.perf_counter()
        self.calls += 1
        try:
            return function(*arguments)
        finally:
            self.seconds += time.perf_counter() - begin


#: Converges a third faster than tblite's 0.4 for ions that start from the density of the last step.
MIXING = 0.3


class Engine:
    """Single points of one molecule at one charge, each starting from the density of the last.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param positions: in bohr, shape ``(atoms, 3)``.
    """

    def __init__(self, method: str, numbers: 'np.ndarray', positions: 'np.ndarray', charge: int, meter: Meter) -> None:
        self.method, self.numbers, self.charge, self.meter = method, numbers, charge, meter
        self.result: Any = None
        self._parent = os.getppid()
        self._calculator = self._new(positions)

    def _new(self, positions: 'np.ndarray') -> Any:
        electrons = int(self.numbers.sum()) - self.charge
        calculator = Calculator(self.method, self.numbers, positions, charge=self.charge, uhf=electrons % 2)
        calculator.set('verbosity', 0)
        calculator.set('mixer-damping', MIXING)
        return calculator

    def evaluate(self, positions: 'np.ndarray', accuracy: float = 10.0) -> tuple[float, 'np.ndarray']:
        """Return energy (Eh) and gradient (Eh/bohr, shape ``(atoms, 3)``).

        :raises MoleculeFailure: when the SCF does not converge, also not with small mixing from a new guess.
        """
        if os.getppid() != self._parent:
            os._exit(1)  # the supervisor died: nobody would read the result
        self._calculator.update(positions)
        self._calculator.set('accuracy', accuracy)
        try:
            self.result = self.meter.run(self._calculator.singlepoint, self.result)
        except Exception:
            self.result = self._recover(positions)
        energy, gradient = float(self.result.get('energy')), np.array(self.result.get('gradient'))
        if not math.isfinite(energy) or not np.isfinite(gradient).all():
            raise MoleculeFailure('scf', f'{self.method} at charge {self.charge:+d} gives numbers that are not finite')
        return energy, gradient

    def _recover(self, positions: 'np.ndarray') -> Any:
        """Return a single point from a new guess with small mixing."""
        calculator = self._new(positions)
        calculator.set('mixer-damping', 0.1)
        calculator.set('max-iter', 1000)
        try:
            return self.meter.run(calculator.singlepoint)
        except Exception as exception:
            text = ' '.join(str(exception).split())
            raise MoleculeFailure('scf', f'{self.method} at charge {self.charge:+d}: {text}') from None

    def frontier(self) -> tuple[float, float]:
        """Return the energies of HOMO and LUMO of the last call, in eV."""
        energies, occupations = self.result.get('orbital-energies'), self.result.get('orbital-occupations')
        occupied = round(float(occupations.sum())) // 2
        return float(energies[occupied - 1]) * HARTREE_TO_EV, float(energies[occupied]) * HARTREE_TO_EV

    def dipole(self) -> 'np.ndarray':
        """Return the dipole vector of the last call in e bohr, shape ``(3,)``."""
        return np.array(self.result.get('dipole'))

    def polarizability(self, positions: 'np.ndarray', strength: float = 1e-3) -> float:
        """Return the isotropic static polarizability by central differences of the dipole, in bohr^3."""
        trace = 0.0
        for axis in range(3):
            along = [self._dipole_in_field(positions, axis, sign * strength)[axis] for sign in (1, -1)]
            trace += (along[0] - along[1]) / (2 * strength)
        return abs(trace) / 3

    def _dipole_in_field(self, positions: 'np.ndarray', axis: int, strength: float) -> 'np.ndarray':
        calculator, vector = self._new(positions), np.zeros(3)
        vector[axis] = strength
        # tblite passes the vector on as it is: only a C pointer will do.
        calculator.add('electric-field', ffi.cast('double*', vector.ctypes.data))
        calculator.set('accuracy', 10.0)
        return np.array(self.meter.run(calculator.singlepoint, Result(self.result)).get('dipole'))


# ---------------------------------------------------------------------------------------- internal coordinates

#: Model force constants of Lindh et al., doi 10.1016/0009-2614(95)00646-L, for stretch, bend and torsion.
LINDH = {'stretch': 0.45, 'bend': 0.15, 'torsion': 0.005}
LINDH_ALPHA = ((1.0, 0.3949, 0.3949), (0.3949, 0.28, 0.28), (0.3949, 0.28, 0.28))
LINDH_REFERENCE = ((1.35, 2.10, 2.53), (2.10, 2.87, 3.40), (2.53, 3.40, 3.40))
LINEAR = math.radians(165)
STRAINED = math.radians(176)


class Internals:
    """Redundant stretches, bends, linear bends and torsions along the bonds of a molecule.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param bonds: pairs of atoms, shape ``(bonds, 2)``.
    :param positions: in bohr, shape ``(atoms, 3)``; decide which bends are linear.
    """

    def __init__(self, numbers: 'np.ndarray', bonds: 'np.ndarray', positions: 'np.ndarray') -> None:
        self.numbers = numbers
        neighbours = _neighbours(len(numbers), bonds)
        triples = [
            (i, j, k) for j, around in enumerate(neighbours) for n, i in enumerate(around) for k in around[n + 1 :]
        ]
        bends = _table(triples, 3)
        linear = _bend(positions, bends)[0] > LINEAR if len(bends) else np.zeros(0, dtype=bool)
        self.stretches, self.bends, self.linear = _table(bonds, 2), bends[~linear], bends[linear]
        self.torsions = _table(_find_torsions(positions, neighbours, self.stretches, self.linear), 4)
        self.axes = _perpendicular(positions, self.linear)
        self._sizes = (len(self.stretches), len(self.bends), 2 * len(self.linear), len(self.torsions))

    def values(self, positions: 'np.ndarray') -> 'np.ndarray':
        """Return the coordinates, shape ``(coordinates,)``, in bohr and radian."""
        return self._evaluate(positions)[0]

    def difference(self, new: 'np.ndarray', old: 'np.ndarray') -> 'np.ndarray':
        """Return ``new - old`` with torsions in (-pi, pi]."""
        change = new - old
        first = len(change) - self._sizes[3]
        change[first:] = (change[first:] + np.pi) % (2 * np.pi) - np.pi
        return change

    def evaluate(self, positions: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
        """Return the coordinates and their derivatives, shape ``(coordinates, 3 * atoms)``."""
        values, blocks = self._evaluate(positions)
        matrix = np.zeros((sum(self._sizes), len(self.numbers), 3))
        row = 0
        for atoms, derivatives in blocks:
            matrix[np.arange(row, row + len(atoms))[:, None], atoms] = derivatives
            row += len(atoms)
        return values, matrix.reshape(len(matrix), -1)

    def strained(self, positions: 'np.ndarray') -> bool:
        """Return whether a bend has become linear, where its derivative has a pole."""
        return bool(len(self.bends) and (_bend(positions, self.bends)[0] > STRAINED).any())

    def force_constants(self, positions: 'np.ndarray') -> 'np.ndarray':
        """Return the diagonal of the model Hessian, shape ``(coordinates,)``, in Eh and bohr or radian."""
        rho = lindh_weights(self.numbers, positions)
        bend = [LINDH['bend'] * rho[t[:, 0], t[:, 1]] * rho[t[:, 1], t[:, 2]] for t in (self.bends, self.linear)]
        t = self.torsions
        weights = rho[t[:, 0], t[:, 1]] * rho[t[:, 1], t[:, 2]] * rho[t[:, 2], t[:, 3]]
        stretch = LINDH['stretch'] * rho[self.stretches[:, 0], self.stretches[:, 1]]
        return np.concatenate([stretch, bend[0], np.tile(bend[1], 2), np.maximum(LINDH['torsion'] * weights, 5e-4)])

    def hessian(self, positions: 'np.ndarray') -> 'np.ndarray':
        """Return the model Hessian in these coordinates."""
        return np.diag(self.force_constants(positions))

    def _evaluate(self, positions: 'np.ndarray') -> tuple['np.ndarray', list[tuple['np.ndarray', 'np.ndarray']]]:
        parts = [
            (self.stretches, *_stretch(positions, self.stretches)),
            (self.bends, *_bend(positions, self.bends)),
            *((self.linear, *_linear_bend(positions, self.linear, axis)) for axis in self.axes if len(axis)),
            (self.torsions, *_torsion(positions, self.torsions)),
        ]
        return np.concatenate([part[1] for part in parts]), [(part[0], part[2]) for part in parts]


class Cartesians:
    """Cartesian coordinates with the model Hessian of the internal ones: slower, but never singular."""

    def __init__(self, internals: Internals) -> None:
        self.internals = internals

    def values(self, positions: 'np.ndarray') -> 'np.ndarray':
        """Return the coordinates in bohr, shape ``(3 * atoms,)``."""
        return positions.ravel().copy()

    def difference(self, new: 'np.ndarray', old: 'np.ndarray') -> 'np.ndarray':
        """Return ``new - old``."""
        return new - old

    def evaluate(self, positions: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
        """Return the coordinates and the unit matrix."""
        return self.values(positions), np.eye(positions.size)

    def strained(self, positions: 'np.ndarray') -> bool:
        """Return False: there is no pole."""
        return False

    def hessian(self, positions: 'np.ndarray') -> 'np.ndarray':
        """Return the model Hessian, raised by a little so that soft modes take bounded steps."""
        wilson = self.internals.evaluate(positions)[1]
        return (wilson.T * self.internals.force_constants(positions)) @ wilson + 0.01 * np.eye(positions.size)


def lindh_weights(numbers: 'np.ndarray', positions: 'np.ndarray') -> 'np.ndarray':
    """Return exp(alpha (r_ref^2 - r^2)) of all pairs, shape ``(atoms, atoms)``."""
    row = np.searchsorted([2, 10], numbers)
    alpha, reference = np.array(LINDH_ALPHA)[row[:, None], row], np.array(LINDH_REFERENCE)[row[:, None], row]
    return np.exp(alpha * (reference**2 - np.sum((positions[:, None] - positions) ** 2, axis=2)))


def _table(rows: Any, width: int) -> 'np.ndarray':
    return np.array(rows, dtype=int).reshape(-1, width)


def _neighbours(atoms: int, bonds: 'np.ndarray') -> list[list[int]]:
    around: list[list[int]] = [[] for _ in range(atoms)]
    for i, j in bonds:
        around[int(i)].append(int(j))
        around[int(j)].append(int(i))
    return around


def _find_torsions(
    positions: 'np.ndarray', neighbours: list[list[int]], stretches: 'np.ndarray', linear: 'np.ndarray'
) -> list[tuple[int, int, int, int]]:
    """Return the torsions around bonds and around linear chains, and one improper per three-coordinate atom."""
    straight = {int(j) for j in linear[:, 1]}
    partners = {int(j): (int(i), int(k)) for i, j, k in linear}
    ends = [(int(j), int(k), int(j), int(k)) for j, k in stretches if not straight & {int(j), int(k)}]
    chains = (
        sorted([_follow(partners, middle, left), _follow(partners, middle, right)])
        for middle, (left, right) in partners.items()
    )
    ends += sorted({(one[1], other[1], one[0], other[0]) for one, other in chains})
    found = [
        (i, j, k, m)
        for j, k, beside_j, beside_k in ends
        for i in neighbours[j]
        for m in neighbours[k]
        if i not in (k, m, beside_j if beside_j != j else -1) and m not in (j, beside_k if beside_k != k else -1)
    ]
    found += [(a[0], j, a[1], a[2]) for j, a in enumerate(neighbours) if len(a) == 3]
    table = _table(found, 4)
    if not len(table):
        return []
    bent = [np.sin(_bend(positions, table[:, part])[0]) > math.sin(LINEAR) for part in ([0, 1, 2], [1, 2, 3])]
    return [tuple(row) for row in table[bent[0] & bent[1]]]


def _follow(partners: dict[int, tuple[int, int]], previous: int, atom: int) -> tuple[int, int]:
    """Return the last linear atom and the first one that is not, from ``previous`` in the direction of ``atom``."""
    for _ in range(len(partners)):
        if atom not in partners:
            break
        one, other = partners[atom]
        previous, atom = atom, other if one == previous else one
    return previous, atom


def _perpendicular(positions: 'np.ndarray', linear: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
    """Return two unit vectors across each linear bend, each of shape ``(bends, 3)``."""
    axis = positions[linear[:, 2]] - positions[linear[:, 0]]
    axis = axis / _norms(axis)[:, None]
    helper = np.eye(3)[np.argmin(np.abs(axis), axis=1)] if len(axis) else np.zeros((0, 3))
    first = _cross(axis, helper)
    first = first / _norms(first)[:, None]
    return first, _cross(axis, first)


def _norms(vectors: 'np.ndarray') -> 'np.ndarray':
    return np.sqrt(np.einsum('ij,ij->i', vectors, vectors))


def _cross(a: 'np.ndarray', b: 'np.ndarray') -> 'np.ndarray':
    """Return the cross products of rows; several times quicker than ``np.cross`` for small tables."""
    turned, further = [1, 2, 0], [2, 0, 1]
    return a[:, turned] * b[:, further] - a[:, further] * b[:, turned]


def _stretch(x: 'np.ndarray', t: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
    vector = x[t[:, 0]] - x[t[:, 1]]
    length = _norms(vector)
    unit = vector / length[:, None]
    return length, np.stack([unit, -unit], axis=1)


def _arms(x: 'np.ndarray', t: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray', 'np.ndarray', 'np.ndarray']:
    u, v = x[t[:, 0]] - x[t[:, 1]], x[t[:, 2]] - x[t[:, 1]]
    a, b = _norms(u)[:, None], _norms(v)[:, None]
    return u / a, v / b, a, b


def _bend(x: 'np.ndarray', t: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
    u, v, a, b = _arms(x, t)
    cosine = np.clip(np.sum(u * v, axis=1, keepdims=True), -1.0, 1.0)
    sine = np.maximum(np.sqrt(1 - cosine**2), 1e-6)
    first, last = (cosine * u - v) / (sine * a), (cosine * v - u) / (sine * b)
    return np.arccos(cosine[:, 0]), np.stack([first, -first - last, last], axis=1)


def _linear_bend(x: 'np.ndarray', t: 'np.ndarray', axis: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
    """Return how far two nearly opposite arms lean together towards ``axis``."""
    u, v, a, b = _arms(x, t)
    along_u, along_v = (np.sum(arm * axis, axis=1, keepdims=True) for arm in (u, v))
    first, last = (axis - along_u * u) / a, (axis - along_v * v) / b
    return (along_u + along_v)[:, 0], np.stack([first, -first - last, last], axis=1)


def _torsion(x: 'np.ndarray', t: 'np.ndarray') -> tuple['np.ndarray', 'np.ndarray']:
    one, two, three = (x[t[:, n + 1]] - x[t[:, n]] for n in range(3))
    left, right = _cross(one, two), _cross(two, three)
    length = _norms(two)
    angle = np.arctan2(length * np.sum(one * right, axis=1), np.sum(left * right, axis=1))
    first = -(length / np.maximum(np.sum(left**2, axis=1), 1e-8))[:, None] * left
    last = (length / np.maximum(np.sum(right**2, axis=1), 1e-8))[:, None] * right
    p, r = (np.sum(arm * two, axis=1, keepdims=True) / length[:, None] ** 2 for arm in (one, three))
    second, third = -(1 + p) * first + r * last, -(1 + r) * last + p * first
    return angle, np.stack([first, second, third, last], axis=1)


# --------------------------------------------------------------------------------------------------- optimiser

TRUST_START, TRUST_MAX, TRUST_MIN = 0.4, 1.2, 0.02
SINGULAR = 1e-6
#: A step in the coordinates is walked to that accuracy, in bohr; what was really walked enters the update.
CLOSE_ENOUGH = 1e-4


@dataclass
class Minimum:
    """Where an optimisation ended; ``hessian`` (in ``coordinates``) may start the next one."""

    positions: 'np.ndarray'
    energy: float
    gradient_norm: float
    steps: int
    converged: bool
    coordinates: Any
    hessian: 'np.ndarray'
    first_energy: float = math.nan


def optimise(
    engine: Engine, positions: 'np.ndarray', bonds: 'np.ndarray', settings: RunnerSettings, guess: Minimum | None = None
) -> Minimum:
    """Return the nearest minimum: restricted-step RFO with BFGS in internals, then in Cartesians where that fails.

    :param positions: start, in bohr, shape ``(atoms, 3)``.
    :param guess: an earlier minimum of the molecule (another charge), whose Hessian is the start.
    """
    if len(engine.numbers) == 1:
        energy = engine.evaluate(positions)[0]
        return Minimum(positions, energy, 0.0, 1, True, None, np.zeros((3, 3)), energy)
    internals = guess.coordinates if guess else Internals(engine.numbers, bonds, positions)
    found = _descend(engine, positions, internals, settings, guess.hessian if guess else None)
    if not found.converged:
        base = Internals(engine.numbers, bonds, found.positions)
        again = _descend(engine, found.positions, Cartesians(base), settings, None)
        again.steps, again.first_energy = again.steps + found.steps, found.first_energy
        found = again if again.converged or again.energy < found.energy else found
    return found


def _descend(
    engine: Engine, positions: 'np.ndarray', coordinates: Any, settings: RunnerSettings, hessian: 'np.ndarray | None'
) -> Minimum:
    hessian = coordinates.hessian(positions) if hessian is None else hessian
    trust, bonds_fixed = TRUST_START, coordinates
    energy, gradient = engine.evaluate(positions)
    first = energy
    frame = _Frame(coordinates, positions, gradient)
    for step in range(1, settings.max_steps + 1):
        norm = float(np.linalg.norm(gradient))
        move, gain = frame.step(hessian, trust)
        if norm < settings.gradient_tolerance and abs(gain) < settings.energy_tolerance:
            return Minimum(positions, energy, norm, step, True, coordinates, hessian, first)
        new_positions = frame.displace(positions, move)
        new_energy, new_gradient = engine.evaluate(new_positions)
        new_frame = _Frame(coordinates, new_positions, new_gradient)
        change = coordinates.difference(new_frame.values, frame.values)
        hessian = _update(hessian, change, new_frame.gradient - frame.gradient)
        ratio = (new_energy - energy) / min(gain, -1e-12)
        trust = _new_trust(trust, ratio, float(np.linalg.norm(move)))
        if new_energy - energy > 1e-4 and trust > TRUST_MIN:
            continue
        positions, energy, gradient, frame = new_positions, new_energy, new_gradient, new_frame
        if coordinates.strained(positions):
            coordinates = Internals(engine.numbers, bonds_fixed.stretches, positions)
            hessian, frame = coordinates.hessian(positions), _Frame(coordinates, positions, gradient)
    norm = float(np.linalg.norm(gradient))
    return Minimum(positions, energy, norm, settings.max_steps, False, coordinates, hessian, first)


class _Frame:
    """The tangent space of the coordinates at one structure."""

    def __init__(self, coordinates: Any, positions: 'np.ndarray', gradient: 'np.ndarray') -> None:
        self.coordinates = coordinates
        self.values, wilson = coordinates.evaluate(positions)
        squares, vectors = np.linalg.eigh(wilson.T @ wilson)
        kept = squares > SINGULAR * squares[-1]
        self._root, self._cartesian = np.sqrt(squares[kept]), vectors[:, kept]
        self._basis = (wilson @ self._cartesian) / self._root
        self._small = (self._cartesian.T @ gradient.ravel()) / self._root
        self.gradient = self._basis @ self._small

    def step(self, hessian: 'np.ndarray', trust: float) -> tuple['np.ndarray', float]:
        """Return the RFO step in the coordinates, at most ``trust`` long, and the energy it should gain (< 0)."""
        small = self._basis.T @ hessian @ self._basis
        curvatures, modes = np.linalg.eigh(small)
        force = modes.T @ self._small
        move = _restricted(curvatures, force, trust)
        gain = float(force @ move + 0.5 * np.sum(curvatures * move**2))
        return self._basis @ (modes @ move), gain

    def displace(self, positions: 'np.ndarray', move: 'np.ndarray') -> 'np.ndarray':
        """Return the structure whose coordinates differ by ``move``, as nearly as can be."""
        start = best = positions + self._to_cartesian(move).reshape(-1, 3)
        smallest = math.inf
        for _ in range(12):
            left = move - self.coordinates.difference(self.coordinates.values(start), self.values)
            correction = self._to_cartesian(left)
            size = float(np.abs(correction).max())
            if size > smallest:
                break
            smallest, best = size, start
            if size < CLOSE_ENOUGH:
                break
            start = start + correction.reshape(-1, 3)
        return best

    def _to_cartesian(self, move: 'np.ndarray') -> 'np.ndarray':
        return self._cartesian @ ((self._basis.T @ move) / self._root)


def _restricted(curvatures: 'np.ndarray', force: 'np.ndarray', trust: float) -> 'np.ndarray':
    """Return the rational-function step with a shift so low that the step is at most ``trust`` long."""
    low, high = min(curvatures[0], 0.0) - float(np.linalg.norm(force)) - 1.0, min(curvatures[0], 0.0) - 1e-9
    for _ in range(60):
        shift = 0.5 * (low + high)
        # The lowest root of the secular equation lies where this changes its sign.
        if shift - float(np.sum(force**2 / (shift - curvatures))) > 0:
            high = shift
        else:
            low = shift
    shift = low
    move = -force / (curvatures - shift)
    if np.linalg.norm(move) <= trust:
        return move
    low, high = shift, shift - float(np.linalg.norm(force)) / trust - 1.0
    for _ in range(60):
        shift = 0.5 * (low + high)
        if np.linalg.norm(force / (curvatures - shift)) > trust:
            low = shift
        else:
            high = shift
    return -force / (curvatures - high)


def _update(hessian: 'np.ndarray', change: 'np.ndarray', slope: 'np.ndarray') -> 'np.ndarray':
    """Return the BFGS update with Powell's damping, which keeps the Hessian positive definite."""
    image = hessian @ change
    curvature, model = float(change @ slope), float(change @ image)
    if model < 1e-12:
        return hessian
    if curvature < 0.2 * model:
        share = 0.8 * model / (model - curvature)
        slope = share * slope + (1 - share) * image
        curvature = float(change @ slope)
    return hessian + np.outer(slope, slope) / curvature - np.outer(image, image) / model


def _new_trust(trust: float, ratio: float, length: float) -> float:
    """Return a larger radius after a step that went as predicted, a smaller one after a bad step."""
    if ratio < 0.25:
        return max(0.25 * length if ratio < 0 else 0.5 * length, TRUST_MIN)
    return min(max(trust, 2 * length), TRUST_MAX) if ratio > 0.6 else trust


# ------------------------------------------------------------------------------------------- four-point scheme

GFN2, IPEA1 = 'GFN2-xTB', 'IPEA1-xTB'
#: The neutral is optimised again from an ion's geometry when it lies lower there by this much, in Eh.
BETTER = 1e-4
Report = Callable[[str], None]


@dataclass
class Surfaces:
    """Minima and energies of one molecule; ``energies[method, q, p]`` is E_q(R_p) in Eh."""

    minima: dict[int, Minimum] = field(default_factory=dict)
    energies: dict[tuple[str, int, int], float] = field(default_factory=dict)
    properties: dict[str, float] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=lambda: dict.fromkeys(CHARGES, 0))


def four_point(start: Start, settings: RunnerSettings, meter: Meter, report: Report) -> Surfaces:
    """Return minima at charge 0, +1, -1, crossed energies and the properties made of them.

    :param report: called with the name of each stage.
    :raises MoleculeFailure: when an SCF does not converge.
    """
    engines = {q: Engine(GFN2, start.numbers, start.positions, q, meter) for q in CHARGES}
    found, begin = Surfaces(), start.positions
    for _ in range(3):
        _optimise_all(engines, begin, start.bonds, settings, found, report)
        report('crossed_points')
        for q in (1, -1):
            found.energies[GFN2, 0, q] = engines[0].evaluate(found.minima[q].positions)[0]
        lower = min((1, -1), key=lambda q: found.energies[GFN2, 0, q])
        if found.energies[GFN2, 0, lower] > found.energies[GFN2, 0, 0] - BETTER:
            break
        begin = found.minima[lower].positions
    _single_points(start, found, meter, report)
    if settings.polarizability:
        report('polarizability')
        found.properties['polarizability'] = engines[0].polarizability(found.minima[0].positions)
    found.properties.update(derive(found.energies))
    return found


def _optimise_all(
    engines: dict[int, Engine], begin: 'np.ndarray', bonds: 'np.ndarray', settings: RunnerSettings, found: Surfaces,
    report: Report,
) -> None:  # fmt: skip
    for q in CHARGES:
        report(f'optimise_{CHARGE_NAMES[q]}')
        neutral = found.minima[0] if q else None
        minimum = optimise(engines[q], neutral.positions if neutral else begin, bonds, settings, neutral)
        found.minima[q], found.energies[GFN2, q, q] = minimum, minimum.energy
        found.steps[q] += minimum.steps
        if neutral:
            found.energies[GFN2, q, 0] = minimum.first_energy
            continue
        found.energies[GFN2, 0, 0] = engines[0].evaluate(minimum.positions, 1.0)[0]
        homo, lumo = engines[0].frontier()
        dipole = float(np.linalg.norm(engines[0].dipole())) * AU_TO_DEBYE
        found.properties.update(homo=homo, lumo=lumo, gap=lumo - homo, dipole=dipole)


def _single_points(start: Start, found: Surfaces, meter: Meter, report: Report) -> None:
    report('ionisation')
    for q in CHARGES:
        engine = Engine(IPEA1, start.numbers, found.minima[0].positions, q, meter)
        for p in dict.fromkeys((0, q)):
            found.energies[IPEA1, q, p] = engine.evaluate(found.minima[p].positions)[0]


def derive(energies: dict[tuple[str, int, int], float]) -> dict[str, float]:
    """Return IE, EA (IPEA1, shifted) and reorganisation energies (GFN2) in eV.

    Nelsen's four points, doi 10.1021/ja00254a001: lambda = E_q(R_0) - E_q(R_q) + E_0(R_q) - E_0(R_0).
    """
    g = {(q, p): value * HARTREE_TO_EV for (method, q, p), value in energies.items() if method == GFN2}
    e = {(q, p): value * HARTREE_TO_EV for (method, q, p), value in energies.items() if method == IPEA1}
    reorganisation = {q: g[q, 0] - g[q, q] + g[0, q] - g[0, 0] for q in (1, -1)}
    return {
        'ie_vertical': e[1, 0] - e[0, 0] - IPEA1_SHIFT,
        'ie_adiabatic': e[1, 1] - e[0, 0] - IPEA1_SHIFT,
        'ea_vertical': e[0, 0] - e[-1, 0] - IPEA1_SHIFT,
        'ea_adiabatic': e[0, 0] - e[-1, -1] - IPEA1_SHIFT,
        'lambda_hole': reorganisation[1],
        'lambda_electron': reorganisation[-1],
    }


# ------------------------------------------------------------------------------------------------------ checks

#: A pair is bonded below BOND_FACTOR times the sum of covalent radii; a known bond is broken above BREAK_FACTOR.
BOND_FACTOR, BREAK_FACTOR = 1.22, 1.4
#: Reorganisation energies may come out that much below zero by convergence alone, in eV; then they are zero.
NOISE = 0.005


def find_bonds(numbers: 'np.ndarray', positions: 'np.ndarray', factor: float) -> 'np.ndarray':
    """Return pairs of atoms (first below second) closer than ``factor`` times the sum of covalent radii."""
    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRcovalent(int(number)) for number in numbers]) / BOHR
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    return np.argwhere(np.triu(distances < factor * (radii[:, None] + radii), 1))


def skeleton(numbers: 'np.ndarray', bonds: Iterable[Any]) -> str:
    """Return a canonical text of the graph of atoms and bonds, bond orders left out."""
    mol = Chem.RWMol()
    for number in numbers:
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    for i, j in bonds:
        mol.AddBond(int(i), int(j), Chem.BondType.SINGLE)
    return str(Chem.MolToSmiles(mol))


def connectivity_fault(start: Start, positions: 'np.ndarray') -> str | None:
    """Return which bond was broken or formed on the way from the start, or None."""
    known = {tuple(sorted((int(i), int(j)))) for i, j in start.bonds}
    near, far = (
        {(int(i), int(j)) for i, j in find_bonds(start.numbers, positions, factor)}
        for factor in (BOND_FACTOR, BREAK_FACTOR)
    )
    table = Chem.GetPeriodicTable()
    for verb, pairs in (('broken', known - far), ('formed', near - known)):
        for i, j in sorted(pairs):
            names = '-'.join(f'{table.GetElementSymbol(int(start.numbers[n]))}{n + 1}' for n in (i, j))
            return f'bond {names} {verb} ({float(np.linalg.norm(positions[i] - positions[j])) * BOHR:.2f} Angstrom)'
    return None


def check(start: Start, found: Surfaces) -> str | None:
    """Return why the result must not be used as a label, or None; clip reorganisation energies at zero."""
    for q, minimum in found.minima.items():
        if (fault := connectivity_fault(start, minimum.positions)) is not None:
            return f'the {CHARGE_NAMES[q]} is another molecule: {fault}'
        if not minimum.converged:
            return (
                f'optimisation of the {CHARGE_NAMES[q]} ended at a gradient norm of {minimum.gradient_norm:.4f} Eh/bohr'
            )
    values = found.properties
    for name, value in values.items():
        if not math.isfinite(value):
            return f'{name} is not finite'
    for name in ('lambda_hole', 'lambda_electron'):
        if values[name] < -NOISE:
            return f'{name} = {values[name]:.4f} eV is negative: the optimisations ended in different conformers'
        values[name] = max(values[name], 0.0)
    for kind in ('vertical', 'adiabatic'):
        if values[f'ie_{kind}'] <= values[f'ea_{kind}']:
            return f'ie_{kind} is not above ea_{kind}'
    return None


# ------------------------------------------------------------------------------------------------------ worker


def treat(task: Task, settings: RunnerSettings, seed: int, report: Report) -> dict[str, Any]:
    """Return the record of one molecule; every failure becomes a reason in it."""
    begin, cpu, meter, stage = time.perf_counter(), _cpu_seconds(), Meter(), ['embed']

    def enter(name: str) -> None:
        stage[0] = name
        report(name)

    record = _blank(task)
    try:
        enter('embed')
        start = make_start(task, settings, seed)
        found = four_point(start, settings, meter, enter)
        reason = check(start, found)
        record.update(_result(start, found), status='flagged' if reason else 'ok', reason=reason)
        record['stage'] = 'check' if reason else None
    except MoleculeFailure as failure:
        where = stage[0] if failure.stage == 'scf' else failure.stage
        record.update(status='failed', stage=where, reason=str(failure))
    except Exception as exception:
        record.update(status='failed', stage=stage[0], reason=f'{type(exception).__name__}: {exception}')
    record.update(
        gradient_calls=meter.calls, cpu_seconds=round(_cpu_seconds() - cpu, 3),
        wall_seconds=round(time.perf_counter() - begin, 3), engine_seconds=round(meter.seconds, 3), versions=versions(),
    )  # fmt: skip
    return record


def _blank(task: Task) -> dict[str, Any]:
    return {
        'key': task.key, 'smiles': task.smiles, 'status': 'failed', 'reason': None, 'stage': None,
        'properties': {}, 'energies': {}, 'geometries': {},
    }  # fmt: skip


def _result(start: Start, found: Surfaces) -> dict[str, Any]:
    short = {GFN2: 'GFN2', IPEA1: 'IPEA1'}
    numbers = [int(number) for number in start.numbers]
    finite = {name: round(value, 6) for name, value in found.properties.items() if math.isfinite(value)}
    return {
        'properties': finite,
        'energies': {f'{short[m]}:{q}@{p}': round(value, 9) for (m, q, p), value in found.energies.items()},
        'geometries': {
            str(q): {'numbers': numbers, 'positions': np.round(minimum.positions * BOHR, 6).tolist()}
            for q, minimum in found.minima.items()
        },
        'start': start.origin,
        'steps': {str(q): count for q, count in found.steps.items()},
        'gradients': {str(q): round(minimum.gradient_norm, 6) for q, minimum in found.minima.items()},
    }


def versions() -> dict[str, str]:
    """Return the versions that made a result."""
    engine = '.'.join(str(part) for part in library.get_version())
    python = '.'.join(str(part) for part in sys.version_info[:3])
    return {'tblite': engine, 'rdkit': rdBase.rdkitVersion, 'numpy': np.__version__, 'python': python}


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _work(connection: Any, settings: RunnerSettings, seed: int) -> None:
    """Treat molecules until the supervisor hangs up."""
    die_with_parent()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)  # the supervisor decides, also when the whole group is signalled
    RDLogger.DisableLog('rdApp.*')  # type: ignore[attr-defined]
    try:
        while True:
            task = connection.recv()
            record = treat(task, settings, seed, lambda stage: connection.send(('stage', stage)))
            connection.send(('done', record))
    except (EOFError, OSError):
        os._exit(0)


# ------------------------------------------------------------------------------------------------- launch lock


class LaunchLock:
    """One runner per folder: generations of holders below ``launch.lock``, each made by one atomic mkdir.

    A generation whose heartbeat stands still belongs to a dead runner; the next generation takes over.
    """

    def __init__(self, folder: Path, stale_seconds: float) -> None:
        self.root, self.stale_seconds = folder / LOCK, stale_seconds
        self.mine: Path | None = None
        self.beats, self._last = 0, 0.0

    def acquire(self, stopped: Callable[[], bool], tell: Callable[[str], None] = lambda text: None) -> str:
        """Return ``held``, ``finished`` (another runner ended while this one waited) or ``stopped``.

        :param tell: is given a sentence when there is somebody to wait for.
        """
        waited = told = False
        while True:
            newest = self._newest()
            if newest is not None and not told and not (newest / 'ended').exists():
                told = True
                tell('another runner works in this folder: waiting for its end')
            if newest is None or (newest / 'ended').exists():
                if waited and newest is not None and (newest / 'ended').read_text() == str(OK_CODE):
                    return 'finished'
            elif not self._dead(newest, stopped):
                waited = True
                if stopped():
                    return 'stopped'
                continue
            if self._take(0 if newest is None else int(newest.name)):
                return 'held'

    def beat(self) -> bool:
        """Renew the heartbeat at most once a second; return False when another runner has taken over."""
        if self.mine is None or time.monotonic() - self._last < 1.0:
            return self.mine is not None
        self._last, self.beats = time.monotonic(), self.beats + 1
        write_atomically(self.mine / 'heartbeat', str(self.beats))
        return self._newest() == self.mine

    def release(self, code: int) -> None:
        """Note the end and the exit code."""
        if self.mine is not None:
            write_atomically(self.mine / 'ended', str(code))

    def _newest(self) -> Path | None:
        names = [path for path in self.root.glob('[0-9]*') if path.name.isdigit()] if self.root.is_dir() else []
        return max(names, key=lambda path: int(path.name), default=None)

    def _take(self, generation: int) -> bool:
        self.root.mkdir(exist_ok=True)
        mine = self.root / f'{generation + 1:04d}'
        try:
            mine.mkdir()
        except FileExistsError:
            return False
        self.mine = mine
        write_atomically(mine / 'holder.json', json.dumps({'pid': os.getpid(), 'place': _place()}))
        return True

    def _dead(self, holder: Path, stopped: Callable[[], bool]) -> bool:
        """Watch a holder for a while; return whether it is surely gone."""
        seen, since = _text(holder / 'heartbeat'), time.monotonic()
        while time.monotonic() - since < self.stale_seconds:
            if _gone(_text(holder / 'holder.json')):
                return True
            if (holder / 'ended').exists() or stopped() or _text(holder / 'heartbeat') != seen:
                return False
            time.sleep(0.2)
        return True


def _place() -> str:
    """Return what makes a process id unique: host, boot and process namespace."""
    boot = _text(Path('/proc/sys/kernel/random/boot_id')).strip()
    try:
        return f'{socket.gethostname()} {boot} {os.readlink("/proc/self/ns/pid")}'
    except OSError:
        return f'{socket.gethostname()} {boot}'


def _gone(holder: str) -> bool:
    try:
        raw = json.loads(holder)
        if raw['place'] != _place():
            return False
        os.kill(int(raw['pid']), 0)
    except ProcessLookupError:
        return True
    except (ValueError, KeyError, TypeError, OSError):
        return False
    return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except OSError:
        return ''


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old or the new one."""
    draft = path.with_name(f'.{path.name}.{uuid.uuid4().hex[:8]}')
    draft.write_text(text, encoding='utf-8')
    draft.replace(path)


# -------------------------------------------------------------------------------------------------- supervisor


@dataclass
class Worker:
    """A process that treats one molecule at a time."""

    process: Any
    connection: Any
    task: Task | None = None
    stage: str = 'start'
    deadline: float = math.inf
    begin: float = 0.0


class Log:
    """Lines with a time in ``runner.log``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG

    def write(self, text: str) -> None:
        """Append one line."""
        with self.path.open('a', encoding='utf-8') as handle:
            handle.write(f'{time.strftime("%Y-%m-%d %H:%M:%S")} {text}\n')


def read_done(path: Path, *, retry_failed: bool) -> dict[str, dict[str, Any]]:
    """Return the records of an earlier run that stay, by key; damaged lines are passed over."""
    done: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding='utf-8', errors='replace').splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
            key, status = record['key'], record['status']
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if status in ('ok', 'flagged') or (status == 'failed' and not retry_failed):
            done[key] = record
    return done


class Supervisor:
    """Keep all cores busy until every molecule has a record."""

    def __init__(self, folder: Path, job: Job, lock: LaunchLock, log: Log, stopped: Callable[[], bool]) -> None:
        self.folder, self.job, self.lock, self.log, self.stopped = folder, job, lock, log, stopped
        done = read_done(folder / RESULTS, retry_failed=job.settings.retry_failed)
        self.statuses = {task.key: str(done[task.key]['status']) for task in job.tasks if task.key in done}
        left = [task for task in job.tasks if task.key not in done]
        self.waiting = sorted(left, key=lambda task: task.size)
        self.workers: list[Worker] = []
        self.started, self.clock = time.time(), time.monotonic()
        self.engine_seconds = self.cpu_seconds = 0.0

    def run(self) -> int:
        """Return the exit code."""
        self.log.write(f'{len(self.statuses)} of {len(self.job.tasks)} molecules are there, {len(self.waiting)} to do')
        _end_last_line(self.folder / RESULTS)
        code = OK_CODE
        with (self.folder / RESULTS).open('ab') as handle:
            try:
                while self.waiting or any(worker.task for worker in self.workers):
                    if (reason := self._interruption()) is not None:
                        self.log.write(f'interrupted: {reason}; start again in this folder to do the rest')
                        code = INTERRUPTED
                        break
                    self._assign()
                    self._progress('running')
                    for record in self._listen():
                        self._store(handle, record)
            finally:
                self._stop_workers()
        self._progress('finished' if code == OK_CODE else 'interrupted')
        return code

    def _interruption(self) -> str | None:
        limit = self.job.settings.max_wall_seconds
        if self.stopped():
            return 'a signal asked for it'
        if limit and time.monotonic() - self.clock > limit:
            return f'{limit:g} s are over'
        return None if self.lock.beat() else 'another runner has taken over this folder'

    def _assign(self) -> None:
        while len(self.workers) < self.job.cores and len(self.workers) < len(self.waiting) + self._busy():
            self.workers.append(self._new_worker())
        for worker in self.workers:
            if worker.task is None and self.waiting:
                worker.task, worker.stage = self.waiting.pop(), 'start'
                worker.begin = time.monotonic()
                worker.deadline = worker.begin + self.job.settings.molecule_timeout
                worker.connection.send(worker.task)

    def _busy(self) -> int:
        return sum(worker.task is not None for worker in self.workers)

    def _new_worker(self) -> Worker:
        context = multiprocessing.get_context('fork')
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self.job.settings, self.job.seed))
        process.start()
        theirs.close()
        return Worker(process, ours)

    def _listen(self) -> Iterator[dict[str, Any]]:
        """Yield the records that arrive within a second, and those of workers that died or took too long."""
        ready = multiprocessing.connection.wait([worker.connection for worker in self.workers], timeout=1.0)
        for worker in list(self.workers):
            if worker.connection in ready:
                try:
                    kind, content = worker.connection.recv()
                except (EOFError, OSError):
                    yield from self._bury(worker, 'the process crashed')
                    continue
                if kind == 'stage':
                    worker.stage = content
                else:
                    worker.task, worker.deadline = None, math.inf
                    yield content
            elif time.monotonic() > worker.deadline:
                yield from self._bury(worker, f'not finished within {self.job.settings.molecule_timeout:g} s')

    def _bury(self, worker: Worker, reason: str) -> Iterator[dict[str, Any]]:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self.workers.remove(worker)
        if worker.task is not None:
            code = worker.process.exitcode
            suffix = f' (exit status {code})' if 'crashed' in reason else ''
            wall = round(time.monotonic() - worker.begin, 3)
            yield {**_blank(worker.task), 'stage': worker.stage, 'reason': reason + suffix, 'wall_seconds': wall}

    def _store(self, handle: Any, record: dict[str, Any]) -> None:
        handle.write(json.dumps(record, allow_nan=False).encode() + b'\n')
        handle.flush()
        os.fsync(handle.fileno())
        self.statuses[record['key']] = record['status']
        self.engine_seconds += record.get('engine_seconds', 0.0)
        self.cpu_seconds += record.get('cpu_seconds', 0.0)
        reason = f' in {record["stage"]}: {record["reason"]}' if record['reason'] else ''
        position = f'{len(self.statuses)}/{len(self.job.tasks)}'
        self.log.write(f'{position} {record["key"]} {record["status"]}{reason} ({record["wall_seconds"]:.1f} s)')

    def _progress(self, state: str) -> None:
        write_atomically(self.folder / PROGRESS, json.dumps(self.report(state)))

    def report(self, state: str) -> dict[str, Any]:
        """Return how far the job is."""
        found = list(self.statuses.values())
        return {
            'state': state, 'total': len(self.job.tasks), 'done': len(found),
            **{status: found.count(status) for status in ('ok', 'flagged', 'failed')},
            'started': self.started, 'updated': time.time(),
        }  # fmt: skip

    def summary(self, code: int) -> dict[str, Any]:
        """Return what the run did and what it cost; ``engine_share`` is the part of the time inside the engine."""
        wall = time.monotonic() - self.clock
        share = self.engine_seconds / (wall * self.job.cores) if wall else 0.0
        return {
            **self.report('finished' if code == OK_CODE else 'interrupted'), 'exit_code': code, 'cores': self.job.cores,
            'wall_seconds': round(wall, 3), 'cpu_seconds': round(self.cpu_seconds, 3),
            'engine_seconds': round(self.engine_seconds, 3), 'engine_share': round(share, 4), 'versions': versions(),
        }  # fmt: skip

    def _stop_workers(self) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()
        self.workers = []


def _end_last_line(path: Path) -> None:
    """Give a last line that was cut short its end, so that the next record starts on a line of its own."""
    if path.exists() and path.stat().st_size:
        with path.open('rb+') as handle:
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b'\n':
                handle.write(b'\n')


def run(folder: str | Path) -> int:
    """Do the job of ``folder`` and return the exit code.

    :param folder: holds ``input.json``; everything is written there.
    """
    folder = Path(folder)
    log, signals = Log(folder), list[int]()
    if MISSING:
        cure = f'install the engine with "{sys.executable} -m pip install tblite rdkit numpy"'
        return _refuse(log, ENGINE_MISSING, f'{MISSING}: {cure} or choose a Python that has it')
    try:
        job = read_input(folder / INPUT)
    except InputError as exception:
        return _refuse(log, BAD_INPUT, str(exception))
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: signals.append(number))
    lock = LaunchLock(folder, job.settings.stale_seconds)
    outcome = lock.acquire(lambda: bool(signals), log.write)
    if outcome != 'held':
        log.write(f'{outcome} waiting')
        return OK_CODE if outcome == 'finished' else INTERRUPTED
    code = INTERRUPTED
    try:
        supervisor = Supervisor(folder, job, lock, log, lambda: bool(signals))
        code = supervisor.run()
        write_atomically(folder / SUMMARY, json.dumps(supervisor.summary(code)))
        log.write(f'finished with exit code {code}')
    finally:
        lock.release(code)
    return code


def _refuse(log: Log, code: int, message: str) -> int:
    log.write(message)
    sys.stderr.write(message + '\n')
    return code


if __name__ == '__main__':
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else '.'))
