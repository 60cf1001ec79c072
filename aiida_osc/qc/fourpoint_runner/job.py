"""Read ``input.json``: the molecules, and what to do with them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .plan import Plan, read_plan
from .settings import FORMAT, TBLITE, InputError, RunnerSettings, read_settings


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
    """The whole of ``input.json``.

    :param folder: where it lies, and where scratch folders are made.
    """

    cores: int = 1
    seed: int = 0
    settings: RunnerSettings = field(default_factory=RunnerSettings)
    tasks: tuple[Task, ...] = ()
    plan: Plan = field(default_factory=Plan)
    folder: Path = Path('.')

    @property
    def threads(self) -> int:
        """Return the threads per molecule: one for xTB; for PySCF all cores where nothing else is said."""
        return 1 if self.plan.engine == TBLITE else min(self.settings.threads or self.cores, self.cores)

    @property
    def workers(self) -> int:
        """Return how many molecules are treated at a time; a GPU is not shared."""
        return 1 if self.settings.device == 'gpu' else max(1, self.cores // self.threads)

    @property
    def memory_mb(self) -> int:
        """Return the memory per molecule, 0 for the engine's own default."""
        return self.settings.memory_mb // self.workers


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
    plan = read_plan(raw)
    cores, seed = raw.get('cores') or available_cores(), raw.get('seed', 0)
    if not isinstance(cores, int) or cores < 1 or not isinstance(seed, int):
        raise InputError('cores must be a positive and seed a whole number')
    settings = read_settings(raw.get('settings') or {}, plan.engine)
    return Job(cores, seed, settings, read_tasks(raw.get('molecules')), plan, path.parent)


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
    positions = raw.get('positions')
    whole = all(isinstance(number, int) and 0 < number < 87 for number in raw['numbers'])
    return (
        whole
        and isinstance(positions, list)
        and len(positions) == len(raw['numbers'])
        and all(isinstance(row, list) and len(row) == 3 and all(map(_is_number, row)) for row in positions)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
