"""Small files that others read while they are written."""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

from .plan import Plan
from .settings import LOG


class Log:
    """Lines with a time in ``runner.log``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG

    def write(self, text: str) -> None:
        """Append one line."""
        with self.path.open('a', encoding='utf-8') as handle:
            handle.write(f'{time.strftime("%Y-%m-%d %H:%M:%S")} {text}\n')


def read_done(path: Path, plan: Plan, *, retry_failed: bool) -> dict[str, dict[str, Any]]:
    """Return the records of an earlier run that stay, by key; damaged lines and other levels are passed over."""
    done: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding='utf-8', errors='replace').splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
            key, status = record['key'], record['status']
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if not plan.made(record):
            continue
        if status in ('ok', 'flagged') or (status == 'failed' and not retry_failed):
            done[key] = record
    return done


def read_text(path: Path) -> str:
    """Return the content of a file, empty when it cannot be read."""
    try:
        return path.read_text(encoding='utf-8')
    except OSError:
        return ''


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old or the new one."""
    draft = path.with_name(f'.{path.name}.{uuid.uuid4().hex[:8]}')
    draft.write_text(text, encoding='utf-8')
    draft.replace(path)


def end_last_line(path: Path) -> None:
    """Give a last line that was cut short its end, so that the next record starts on a line of its own."""
    if path.exists() and path.stat().st_size:
        with path.open('rb+') as handle:
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b'\n':
                handle.write(b'\n')
