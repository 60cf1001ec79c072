import os
import time

from aiida_osc.qc.fourpoint_runner.child import in_child


def test_hanging_or_crashing_child_is_ended():
    begin = time.monotonic()
    assert 'no end within' in in_child(lambda: time.sleep(60), 0.3)
    assert in_child(lambda: os._exit(1), 5.0) == 'the embedding process crashed'
    assert 'ZeroDivisionError' in in_child(lambda: 1 / 0, 5.0)
    assert time.monotonic() - begin < 10
