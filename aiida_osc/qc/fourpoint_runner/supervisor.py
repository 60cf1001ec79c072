"""Deal the molecules to worker processes and write down what they give."""

from __future__ import annotations

import json
import math
import multiprocessing
import multiprocessing.connection
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import Log, end_last_line, read_done, write_atomically
from .job import Job, Task
from .lock import LaunchLock
from .packages import versions
from .settings import INTERRUPTED, OK_CODE, PROGRESS, RESULTS
from .worker import OUT_OF_MEMORY, blank_record, work

#: A molecule and its record.
Treated = tuple[Task, dict[str, Any]]


@dataclass
class Worker:
    """A process that treats one molecule at a time."""

    process: Any
    connection: Any
    task: Task | None = None
    stage: str = 'start'
    deadline: float = math.inf
    begin: float = 0.0


class Supervisor:
    """Keep all cores busy until every molecule has a record."""

    def __init__(self, folder: Path, job: Job, lock: LaunchLock, log: Log, stopped: Callable[[], bool]) -> None:
        self.folder, self.job, self.lock, self.log, self.stopped = folder, job, lock, log, stopped
        done = read_done(folder / RESULTS, job.plan, retry_failed=job.settings.retry_failed)
        self.statuses = {task.key: str(done[task.key]['status']) for task in job.tasks if task.key in done}
        left = [task for task in job.tasks if task.key not in done]
        self.waiting = sorted(left, key=lambda task: task.size)
        self.workers: list[Worker] = []
        self.limit, self.postponed = job.workers, list[Task]()
        self.started, self.clock = time.time(), time.monotonic()
        self.engine_seconds = self.cpu_seconds = 0.0

    def run(self) -> int:
        """Return the exit code."""
        self.log.write(f'{len(self.statuses)} of {len(self.job.tasks)} molecules are there, {len(self.waiting)} to do')
        end_last_line(self.folder / RESULTS)
        code = OK_CODE
        with (self.folder / RESULTS).open('ab') as handle:
            try:
                while self.waiting or self.postponed or self._busy():
                    if (reason := self._interruption()) is not None:
                        self.log.write(f'interrupted: {reason}; start again in this folder to do the rest')
                        code = INTERRUPTED
                        break
                    self._assign()
                    self._progress('running')
                    for task, record in self._listen():
                        if not self._postpone(task, record):
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

    def _postpone(self, task: Task, record: dict[str, Any]) -> bool:
        """Put a molecule aside that found too little memory among others: it gets another chance alone, at the end."""
        if self.limit == 1 or not str(record['reason']).endswith(OUT_OF_MEMORY):
            return False
        self.log.write(f'{record["key"]} in {record["stage"]}: {record["reason"]}; tried again alone at the end')
        self.postponed.append(task)
        return True

    def _assign(self) -> None:
        if self.postponed and not self.waiting and not self._busy():
            self._stop_workers()
            self.limit, self.waiting, self.postponed = 1, self.postponed, []
        while len(self.workers) < self.limit and len(self.workers) < len(self.waiting) + self._busy():
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
        process = context.Process(target=work, args=(theirs, self.job))
        process.start()
        theirs.close()
        return Worker(process, ours)

    def _listen(self) -> Iterator[Treated]:
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
                elif worker.task is not None:
                    task, worker.task, worker.deadline = worker.task, None, math.inf
                    yield task, content
            elif time.monotonic() > worker.deadline:
                yield from self._bury(worker, f'not finished within {self.job.settings.molecule_timeout:g} s')

    def _bury(self, worker: Worker, reason: str) -> Iterator[Treated]:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self.workers.remove(worker)
        if worker.task is not None:
            code = worker.process.exitcode
            if 'crashed' in reason:
                reason += f' (exit status {code})' + (f': {OUT_OF_MEMORY}' if code == -signal.SIGKILL else '')
            wall = round(time.monotonic() - worker.begin, 3)
            record = {**blank_record(worker.task), **self.job.plan.names()}
            yield worker.task, {**record, 'stage': worker.stage, 'reason': reason, 'wall_seconds': wall}

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
        share = self.engine_seconds / (wall * self.job.workers) if wall else 0.0
        return {
            **self.report('finished' if code == OK_CODE else 'interrupted'), 'exit_code': code, 'cores': self.job.cores,
            'wall_seconds': round(wall, 3), 'cpu_seconds': round(self.cpu_seconds, 3),
            'engine_seconds': round(self.engine_seconds, 3), 'engine_share': round(share, 4),
            'workers': self.job.workers, 'versions': versions(self.job),
        }  # fmt: skip

    def _stop_workers(self) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()
        self.workers = []
