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
from .engine import Report, Surroundings
from .job import Job, Task
from .meter import Meter
from .packages import versions
from .plan import GFN2_NAME, IPEA1_NAME
from .scheme import Surfaces, four_point
from .settings import BOHR, MoleculeFailure
from .start import Start, make_start

#: What levels are called in the keys of energies.
SHORT = {GFN2_NAME: 'GFN2', IPEA1_NAME: 'IPEA1'}
POLARIZABILITY = 'finite field of the dipole, 0.001 a.u.'
OUT_OF_MEMORY = 'most likely the memory was not enough: give the job more, or fewer molecules at a time'


def treat(task: Task, job: Job, report: Report) -> dict[str, Any]:
    """Return the record of one molecule; every failure becomes a reason in it.

    :param report: called with the name of each stage.
    """
    begin, cpu, stage = time.perf_counter(), cpu_seconds(), ['embed']

    def enter(name: str) -> None:
        stage[0] = name
        report(name)

    around = Surroundings(job.settings, Meter(), enter, job.threads, job.memory_mb, job.folder)
    record = {**blank_record(task), **job.plan.names()}
    try:
        enter('embed')
        start = make_start(task, job.seed, around)
        found = four_point(start, job.plan, around)
        reason = check(start, found, mixed=job.plan.energy != job.plan.geometry)
        record.update(_result(start, found), status='flagged' if reason else 'ok', reason=reason)
        record['stage'] = 'check' if reason else None
    except MoleculeFailure as failure:
        where = stage[0] if failure.stage == 'scf' else failure.stage
        record.update(status='failed', stage=where, reason=str(failure))
    except MemoryError:
        record.update(status='failed', stage=stage[0], reason=OUT_OF_MEMORY)
    except Exception as exception:
        record.update(status='failed', stage=stage[0], reason=f'{type(exception).__name__}: {exception}')
    record.update(
        gradient_calls=around.meter.calls, cpu_seconds=round(cpu_seconds() - cpu, 3),
        wall_seconds=round(time.perf_counter() - begin, 3), engine_seconds=round(around.meter.seconds, 3),
        versions=versions(job),
    )  # fmt: skip
    return record


def blank_record(task: Task) -> dict[str, Any]:
    """Return the record of a molecule that has not been treated."""
    return {
        'key': task.key, 'smiles': task.smiles, 'status': 'failed', 'reason': None, 'stage': None,
        'properties': {}, 'energies': {}, 'geometries': {},
    }  # fmt: skip


def _result(start: Start, found: Surfaces) -> dict[str, Any]:
    numbers = [int(number) for number in start.numbers]
    finite = {name: round(value, 6) for name, value in found.properties.items() if math.isfinite(value)}
    return {
        'properties': finite,
        'energies': {
            f'{SHORT.get(level, level)}:{q}@{p}': round(value, 9) for (level, q, p), value in found.energies.items()
        },
        'geometries': {
            str(q): {'numbers': numbers, 'positions': np.round(minimum.positions * BOHR, 6).tolist()}
            for q, minimum in found.minima.items()
        },
        'start': start.origin,
        'steps': {str(q): count for q, count in found.steps.items()},
        'gradients': {str(q): round(minimum.gradient_norm, 6) for q, minimum in found.minima.items()},
        'optimiser': {str(q): name for q, name in found.optimisers.items()},
        's_squared': {f'{q}@{p}': round(value, 5) for (q, p), value in found.s_squared.items()},
        'scf_help': found.remedies,
        'polarizability_by': POLARIZABILITY if 'polarizability' in finite else None,
    }


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def work(connection: Any, job: Job) -> None:
    """Treat molecules until the supervisor hangs up."""
    die_with_parent()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)  # the supervisor decides, also when the whole group is signalled
    RDLogger.DisableLog('rdApp.*')  # type: ignore[attr-defined]
    try:
        while True:
            task = connection.recv()
            record = treat(task, job, lambda stage: connection.send(('stage', stage)))
            connection.send(('done', record))
    except (EOFError, OSError):
        os._exit(0)
