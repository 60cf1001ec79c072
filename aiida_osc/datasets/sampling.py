"""A few items drawn at random from many that are not held in memory."""

import random
from collections.abc import Iterable, Iterator
from typing import TypeVar

from aiida_osc.errors import OscError

T = TypeVar('T')


def draw(items: Iterable[T], sample: int | None, seed: int = 0) -> Iterator[T]:
    """Yield ``sample`` of the items, drawn at random and in their order; all when ``sample`` is None.

    :param items: gone through twice, once to count them.
    :raises OscError: when ``sample`` is not positive.
    """
    if sample is None:
        yield from items
        return
    if sample < 1:
        raise OscError(f'sample of {sample} molecules: give a positive number')
    count = sum(1 for _ in items)
    picked = set(random.Random(seed).sample(range(count), min(sample, count)))
    yield from (item for number, item in enumerate(items) if number in picked)
