"""Read ``input.json``: the molecules, and what to do with them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .settings import FORMAT, InputError, RunnerSettings, read_settings


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
