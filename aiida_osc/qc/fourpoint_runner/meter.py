"""Count what the engine costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Meter:
    """Wall seconds and calls spent inside the engine for one molecule."""

    seconds: float = 0.0
    calls: int = 0

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what ``function`` returns and count its time."""
        begin = time.perf_counter()
        self.calls += 1
        try:
            return function(*arguments)
        finally:
            self.seconds += time.perf_counter() - begin
