"""Constants of the runner, and what may be set in its input."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

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

TBLITE, PYSCF = 'tblite', 'pyscf'
ENGINES = (TBLITE, PYSCF)
#: Settings that are one of a few words.
CHOICES = {
    'conformer_ranking': ('mmff', 'xtb'),
    'optimiser': ('auto', 'internal', 'geometric'),
    'device': ('auto', 'cpu', 'gpu'),
}
#: Settings whose zero has a meaning.
MAY_BE_ZERO = ('max_wall_seconds', 'threads', 'memory_mb')
#: Finest grid that PySCF has.
FINEST_GRID = 9
#: Value of ``xtb_program`` that leaves the program alone.
NO_PROGRAM = 'none'
#: A molecule takes density functionals hours where it takes xTB minutes.
ENGINE_DEFAULTS: dict[str, dict[str, Any]] = {TBLITE: {}, PYSCF: {'molecule_timeout': 86400.0}}


@dataclass(frozen=True)
class RunnerSettings:
    """What may stand under ``settings`` in ``input.json``.

    :param conformers: how many conformers are embedded.
    :param conformer_ranking: which of them is the start: ``mmff``, that of lowest force-field energy, or ``xtb``, that
        of lowest GFN2-xTB energy after a few steps of optimisation.
    :param embed_timeout: seconds per embedding attempt.
    :param molecule_timeout: wall seconds per molecule; a day where PySCF computes and nothing else is set.
    :param optimiser: ``internal`` (our own), ``geometric`` (geomeTRIC), or ``auto``: our own, and where it does not
        converge the xtb program for xTB and geomeTRIC for density functionals, where they are installed.
    :param max_steps: gradient calls per optimisation attempt.
    :param gradient_tolerance: largest norm of the Cartesian gradient at a minimum, in Eh/bohr.
    :param energy_tolerance: largest energy still to be gained, in Eh.
    :param max_wall_seconds: stop cleanly (exit code 4) after that time; 0 for never.
    :param polarizability: whether the static polarizability of the neutral is computed by finite field.
    :param retry_failed: whether molecules that failed in an earlier run of the folder are tried again.
    :param stale_seconds: a holder of the lock whose heartbeat stands still for so long counts as dead.
    :param xtb_program: name or path of the xtb program; ``none`` for never.
    :param xtb_timeout: wall seconds for one run of the xtb program.
    :param threads: threads per molecule with PySCF, 0 for all cores on one molecule at a time; xTB has always one.
    :param memory_mb: memory that PySCF may plan with, all molecules of the job together; 0 for PySCF's own 4 GB each.
    :param grid_level: integration grid of PySCF, 0 (coarse) to 9.
    :param device: ``gpu`` for gpu4pyscf, ``cpu``, or ``auto``: the GPU where gpu4pyscf and one are there.
    """

    conformers: int = 1
    conformer_ranking: str = 'mmff'
    embed_timeout: float = 60.0
    molecule_timeout: float = 3600.0
    optimiser: str = 'auto'
    max_steps: int = 300
    gradient_tolerance: float = 7e-4
    energy_tolerance: float = 2e-6
    max_wall_seconds: float = 0.0
    polarizability: bool = True
    retry_failed: bool = False
    stale_seconds: float = 60.0
    xtb_program: str = 'xtb'
    xtb_timeout: float = 600.0
    threads: int = 0
    memory_mb: int = 0
    grid_level: int = 3
    device: str = 'auto'


class InputError(ValueError):
    """The input cannot be used; the message says what to do."""


class MoleculeFailure(Exception):  # noqa: N818 - no error of the program, an outcome
    """A molecule cannot be treated; ``stage`` tells where it ended."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage


def read_settings(raw: Any, engine: str = TBLITE) -> RunnerSettings:
    """Return the settings, values checked.

    :param engine: one of :data:`ENGINES`; some defaults depend on it.
    :raises InputError: for unknown names and values of the wrong type or sign.
    """
    defaults: dict[str, Any] = {item.name: item.default for item in fields(RunnerSettings)}
    unknown = sorted(set(raw) - set(defaults)) if isinstance(raw, dict) else ['(no mapping)']
    if unknown:
        raise InputError(f'unknown settings {", ".join(unknown)}: use {", ".join(defaults)}')
    for name, value in raw.items():
        if (fault := _setting_fault(name, value, defaults[name])) is not None:
            raise InputError(f'setting {name} = {value!r} must be {fault}')
    return RunnerSettings(**{**ENGINE_DEFAULTS[engine], **raw})


def _setting_fault(name: str, value: Any, default: Any) -> str | None:
    if isinstance(default, str):
        return _word_fault(name, value)
    if isinstance(default, bool) or isinstance(value, bool):
        return None if isinstance(default, bool) and isinstance(value, bool) else f'like {default!r}'
    if not isinstance(value, int if isinstance(default, int) else (int, float)):
        return 'a whole number' if isinstance(default, int) else 'a number'
    if name == 'grid_level':
        return None if 0 <= value <= FINEST_GRID else f'at least 0 and at most {FINEST_GRID}'
    return None if 0 < value < math.inf or (value == 0 and name in MAY_BE_ZERO) else 'positive'


def _word_fault(name: str, value: Any) -> str | None:
    if name in CHOICES:
        return None if value in CHOICES[name] else f'one of {", ".join(CHOICES[name])}'
    # A program is started without a shell; a first letter of an option would still be read by the loader.
    fine = isinstance(value, str) and value.isprintable() and value[:1] not in ('', '-', ' ')
    return None if fine else 'the name or path of a program'
