import pytest

from aiida_osc.datasets.sampling import draw
from aiida_osc.errors import OscError


def test_all_or_some_in_their_order():
    assert list(draw(range(5), None)) == list(range(5))
    drawn = [tuple(draw(range(100), 10, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert list(drawn[0]) == sorted(set(drawn[0]))
    assert list(draw('abc', 7)) == ['a', 'b', 'c']


def test_no_sample():
    with pytest.raises(OscError, match='positive'):
        list(draw(range(5), 0))
