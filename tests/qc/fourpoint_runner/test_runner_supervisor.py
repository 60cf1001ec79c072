import json
import os
import signal
import time
from pathlib import Path

import pytest
from runner_jobs import (
    BENZENE,
    ETHYLENE,
    NAPHTHALENE,
    THIOPHENE,
    results,
    run_runner,
    start_runner,
    wait_for,
    write_job,
)

from aiida_osc.qc.fourpoint_runner.files import Log, read_done
from aiida_osc.qc.fourpoint_runner.job import Job, Task
from aiida_osc.qc.fourpoint_runner.lock import LaunchLock
from aiida_osc.qc.fourpoint_runner.plan import Plan
from aiida_osc.qc.fourpoint_runner.settings import LOG, PROGRESS, RESULTS
from aiida_osc.qc.fourpoint_runner.supervisor import Supervisor
from aiida_osc.qc.fourpoint_runner.worker import OUT_OF_MEMORY, blank_record

pytestmark = pytest.mark.xtb


def test_killed_job_goes_on_where_it_was(tmp_path):
    write_job(tmp_path, [BENZENE, ETHYLENE, THIOPHENE, NAPHTHALENE], cores=1)
    first = start_runner(tmp_path)
    wait_for(lambda: len(results(tmp_path)) >= 1)
    first.kill()
    first.wait()
    kept = (tmp_path / RESULTS).read_bytes()
    with (tmp_path / RESULTS).open('ab') as handle:
        handle.write(b'{"key": "C=C", "status": "o')
    assert run_runner(tmp_path)[0] == 0
    after = (tmp_path / RESULTS).read_bytes()
    assert after.startswith(kept)
    good = [json.loads(line)['key'] for line in after.splitlines() if line.endswith(b'}')]
    assert len(good) == len(set(good))
    assert {BENZENE, ETHYLENE, THIOPHENE, NAPHTHALENE} == set(good)


def test_termination_is_clean(tmp_path):
    write_job(tmp_path, [ETHYLENE, 'C' * 50], cores=1)
    process = start_runner(tmp_path)
    wait_for(lambda: (tmp_path / PROGRESS).exists())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 4
    assert json.loads((tmp_path / PROGRESS).read_text())['state'] == 'interrupted'
    assert 'start again' in (tmp_path / LOG).read_text()


def test_wall_limit_is_clean_and_leaves_no_process(tmp_path):
    write_job(tmp_path, ['C' * 50], cores=1, max_wall_seconds=1.0)
    begin = time.monotonic()
    assert run_runner(tmp_path)[0] == 4  # returns when the last process has closed the standard error
    assert time.monotonic() - begin < 40


def test_slow_molecule_is_failed_and_the_others_go_on(tmp_path):
    write_job(tmp_path, ['C' * 50, ETHYLENE], cores=2, molecule_timeout=3.0)
    assert run_runner(tmp_path)[0] == 0
    found = {record['key']: record for record in results(tmp_path)}
    assert found[ETHYLENE]['status'] == 'ok'
    assert found['C' * 50]['status'] == 'failed'
    assert 'not finished within 3 s' in found['C' * 50]['reason']


def test_crashed_worker_is_replaced(tmp_path):
    write_job(tmp_path, ['C' * 50, ETHYLENE], cores=1)
    process = start_runner(tmp_path)
    wait_for(lambda: (tmp_path / PROGRESS).exists())
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
    if not children.exists():
        process.kill()
        pytest.skip('this system does not list the children of a process')
    wait_for(lambda: children.read_text().split())
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    assert process.wait(60) == 0
    found = {record['key']: record for record in results(tmp_path)}
    assert 'crashed' in found['C' * 50]['reason']
    assert found[ETHYLENE]['status'] == 'ok'


def test_failed_molecules_are_retried_on_request(tmp_path):
    write_job(tmp_path, [ETHYLENE])
    failed = {'key': ETHYLENE, 'smiles': ETHYLENE, 'status': 'failed', 'reason': 'x', 'stage': 'embed'}
    (tmp_path / RESULTS).write_text(json.dumps(failed) + '\n')
    assert run_runner(tmp_path)[0] == 0
    assert len(results(tmp_path)) == 1
    write_job(tmp_path, [ETHYLENE], retry_failed=True)
    assert run_runner(tmp_path)[0] == 0
    assert [record['status'] for record in results(tmp_path)] == ['failed', 'ok']


def test_molecule_without_memory_gets_another_chance_alone(tmp_path):
    """Two at a time is too much for one of them; alone it has enough."""
    tasks = (Task('big', 'C=C'), Task('small', 'O'))
    log = Log(tmp_path)
    job = Job(2, tasks=tasks, folder=tmp_path)
    supervisor = Supervisor(tmp_path, job, LaunchLock(tmp_path, 60.0), log, lambda: False)
    full = {**blank_record(tasks[0]), 'stage': 'scf', 'reason': f'MemoryError: {OUT_OF_MEMORY}', 'wall_seconds': 1.0}
    supervisor.waiting = []
    assert supervisor._postpone(tasks[0], full)
    assert supervisor.statuses == {}
    supervisor._assign()
    assert supervisor.limit == 1
    assert [worker.task for worker in supervisor.workers] == [tasks[0]]
    supervisor._stop_workers()
    assert not supervisor._postpone(tasks[0], full), 'no third chance'
    assert 'alone at the end' in (tmp_path / LOG).read_text()


def test_records_of_other_levels_are_done_again(tmp_path):
    record = {'key': ETHYLENE, 'status': 'ok', 'levels': {'homo': 'HF/STO-3G//GFN2-xTB'}, 'environment': 'gas'}
    (tmp_path / RESULTS).write_text(json.dumps(record) + '\n')
    assert read_done(tmp_path / RESULTS, Plan(), retry_failed=False) == {}
    mine = Plan('pyscf', levels=record['levels'])
    assert read_done(tmp_path / RESULTS, mine, retry_failed=False) == {}, 'another level of the geometry'
    (tmp_path / RESULTS).write_text(json.dumps({**record, 'geometry_level': 'GFN2-xTB'}) + '\n')
    assert set(read_done(tmp_path / RESULTS, mine, retry_failed=False)) == {ETHYLENE}
