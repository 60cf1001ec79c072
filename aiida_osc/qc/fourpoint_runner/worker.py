"""Treat one molecule after the other, in a process of its own."""

from __future__ import annotations

import math
import os
import resource
import signal
import time
from typing import Any

import numpy as np
from rdkit import RDLogger

from .checks import check
from .child import die_with_parent
from .job import Task
from .meter import Meter
from .packages import versions
from .scheme import GFN2, IPEA1, Report, Surfaces, four_point
from .settings import BOHR, MoleculeFailure, RunnerSettings
from .start import Start, make_start


def treat(task: Task, settings: RunnerSettings, seed: int, report: Report) -> dict[str, Any]:
    """Return the record of one molecule; every failure becomes a reason in it."""
    begin, cpu, meter, stage = time.perf_counter(), cpu_seconds(), Meter(), ['embed']

    def enter(name: str) -> None:
        stage[0] = name
        report(name)

    record = blank_record(task)
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
        gradient_calls=meter.calls, cpu_seconds=round(cpu_seconds() - cpu, 3),
        wall_seconds=round(time.perf_counter() - begin, 3), engine_seconds=round(meter.seconds, 3), versions=versions(),
    )  # fmt: skip
    return record


def blank_record(task: Task) -> dict[str, Any]:
    """Return the record of a molecule that has not been treated."""
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


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def work(connection: Any, settings: RunnerSettings, seed: int) -> None:
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
