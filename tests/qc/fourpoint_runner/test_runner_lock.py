import json
import signal
import subprocess
from pathlib import Path

import pytest
from runner_jobs import ETHYLENE, NAPHTHALENE, THIOPHENE, results, run_runner, start_runner, wait_for, write_job

from aiida_osc.qc.fourpoint_runner.lock import LaunchLock
from aiida_osc.qc.fourpoint_runner.settings import LOCK, LOG, PROGRESS

pytestmark = pytest.mark.xtb


def stopped_after_its_start(folder: Path) -> subprocess.Popen:
    """Return a runner that holds the lock and stands still, as one that needs long for its molecule."""
    process = start_runner(folder)
    wait_for(lambda: (folder / PROGRESS).exists())
    process.send_signal(signal.SIGSTOP)
    return process


def has_seen_another(folder: Path) -> bool:
    return 'another runner' in (folder / LOG).read_text()


def test_second_start_waits_and_leaves_the_results_alone(tmp_path):
    write_job(tmp_path, [THIOPHENE, NAPHTHALENE], cores=1)
    first = stopped_after_its_start(tmp_path)
    second = start_runner(tmp_path)
    wait_for(lambda: has_seen_another(tmp_path))
    assert second.poll() is None
    first.send_signal(signal.SIGCONT)
    assert (first.wait(120), second.wait(120)) == (0, 0)
    assert len(results(tmp_path)) == 2


def test_second_start_takes_over_when_the_first_dies(tmp_path):
    write_job(tmp_path, [THIOPHENE, NAPHTHALENE], cores=1)
    first = stopped_after_its_start(tmp_path)
    second = start_runner(tmp_path)
    wait_for(lambda: has_seen_another(tmp_path))
    first.kill()
    first.wait()
    assert second.wait(60) == 0
    assert {record['status'] for record in results(tmp_path)} == {'ok'}
    assert len(results(tmp_path)) == 2


def test_stale_heartbeat_is_taken_over(tmp_path):
    generation = tmp_path / LOCK / '0001'
    generation.mkdir(parents=True)
    (generation / 'holder.json').write_text(json.dumps({'pid': 1, 'place': 'another computer'}))
    write_job(tmp_path, [ETHYLENE], stale_seconds=0.5)
    assert run_runner(tmp_path)[0] == 0
    assert (tmp_path / LOCK / '0002' / 'ended').read_text() == '0'


def test_holder_notices_that_it_was_replaced(tmp_path):
    lock = LaunchLock(tmp_path, 60.0)
    assert lock.acquire(lambda: False) == 'held'
    assert lock.beat()
    (tmp_path / LOCK / '0002').mkdir()
    lock._last = 0.0
    assert not lock.beat()
