"""One runner per folder."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from .files import read_text, write_atomically
from .settings import LOCK, OK_CODE


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
        seen, since = read_text(holder / 'heartbeat'), time.monotonic()
        while time.monotonic() - since < self.stale_seconds:
            if _gone(read_text(holder / 'holder.json')):
                return True
            if (holder / 'ended').exists() or stopped() or read_text(holder / 'heartbeat') != seen:
                return False
            time.sleep(0.2)
        return True


def _place() -> str:
    """Return what makes a process id unique: host, boot and process namespace."""
    boot = read_text(Path('/proc/sys/kernel/random/boot_id')).strip()
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
