"""Child processes that end in time, and with their parent."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1


def in_child(function: Callable[[], Any], timeout: float) -> Any:
    """Return what ``function`` returns in a forked child, or a text when it crashed or took too long."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = os.fork()
    if process == 0:
        die_with_parent()
        # The alarm's default action ends the child even inside compiled code and when its parent is gone.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, timeout + 5.0)
        try:
            sender.send(function())
        except Exception as exception:
            sender.send(f'{type(exception).__name__}: {exception}')
        finally:
            os._exit(0)
    sender.close()
    try:
        return receiver.recv() if receiver.poll(timeout) else f'no end within {timeout:g} s'
    except EOFError:
        return 'the embedding process crashed'
    finally:
        receiver.close()
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies; without Linux, alarms and parent checks do it later."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
