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
    if not isinstance(value, int if isinstance(default, int) else (int, float)):
        return 'a whole number' if isinstance(default, int) else 'a number'
    return None if 0 < value < math.inf else 'positive'
