"""Device and precision, decided at run time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch

from aiida_osc.errors import OscError


def resolve_device(name: str) -> torch.device:
    """Return the torch device called ``name``; ``auto`` takes a GPU when there is one.

    :raises OscError: when there is no such device.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as exception:
        raise OscError(f'device {name!r} cannot be used here ({exception}): give auto or cpu') from None
    return device


def precision(device: torch.device, amp: str) -> str:
    """Return ``bfloat16`` or ``float32``, what ``amp`` in ``auto``, ``on``, ``off`` comes to on a device.

    :raises OscError: for any other value.
    """
    if amp not in ('auto', 'on', 'off'):
        raise OscError(f'amp is {amp!r}: give auto, on or off')
    return 'bfloat16' if amp == 'on' or (amp == 'auto' and _has_fast_bfloat16(device)) else 'float32'


def autocast(device: torch.device, amp: str) -> AbstractContextManager:
    """Return the context in which a network computes with that :func:`precision`.

    :raises OscError: when ``amp`` is none of its values.
    """
    wanted = precision(device, amp) == 'bfloat16'
    return torch.autocast(device.type, dtype=torch.bfloat16) if wanted else nullcontext()


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Use ``count`` CPU threads in one block; 0 leaves torch's own choice.

    Networks of this size gain little from more than one, threads that wait for a busy core burn time, and the last
    digits of a sum depend on how it is shared out.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _has_fast_bfloat16(device: torch.device) -> bool:
    if device.type == 'cuda':
        return torch.cuda.is_bf16_supported()
    cpuinfo = Path('/proc/cpuinfo')
    return cpuinfo.is_file() and 'amx_bf16' in cpuinfo.read_text()
