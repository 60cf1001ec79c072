"""Do the job of a folder."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from .files import Log, write_atomically
from .job import read_input
from .lock import LaunchLock
from .packages import find_missing
from .settings import BAD_INPUT, ENGINE_MISSING, INPUT, INTERRUPTED, OK_CODE, SUMMARY, InputError


def run(folder: str | Path) -> int:
    """Do the job of ``folder`` and return the exit code.

    :param folder: holds ``input.json``; everything is written there.
    """
    folder = Path(folder)
    log, signals = Log(folder), list[int]()
    try:
        job = read_input(folder / INPUT)
    except InputError as exception:
        return _refuse(log, BAD_INPUT, str(exception))
    if (fault := find_missing(job)) is not None:
        return _refuse(log, ENGINE_MISSING, fault)
    from .supervisor import Supervisor

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
