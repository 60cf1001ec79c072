import json

import pytest

from aiida_osc.qc.fourpoint_runner.job import Job, read_input
from aiida_osc.qc.fourpoint_runner.plan import Plan
from aiida_osc.qc.fourpoint_runner.settings import INPUT, InputError, RunnerSettings


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'format': 7}, 'format'),
        ({'engine': 'orca'}, 'engine'),
        ({'molecules': []}, 'no molecules'),
        ({'cores': -1}, 'cores'),
        ({'settings': {'speed': 3}}, 'unknown settings speed'),
        ({'settings': {'max_steps': 2.5}}, 'whole number'),
        ({'settings': {'molecule_timeout': 0}}, 'positive'),
        ({'settings': {'polarizability': 1}}, 'True'),
        ({'molecules': [{'key': 'a'}]}, 'smiles'),
        ({'molecules': [{'key': 'a', 'smiles': 'C'}] * 2}, 'twice'),
        ({'molecules': [{'key': 'a', 'smiles': 'C', 'start': {'numbers': [6], 'positions': []}}]}, 'start geometry'),
    ],
)
def test_bad_input_is_named(tmp_path, change, message):
    job = {'format': 1, 'engine': 'tblite', 'molecules': [{'key': 'a', 'smiles': 'C'}], **change}
    (tmp_path / INPUT).write_text(json.dumps(job))
    with pytest.raises(InputError, match=message):
        read_input(tmp_path / INPUT)


@pytest.mark.parametrize(
    ('engine', 'cores', 'settings', 'threads', 'workers'),
    [
        ('tblite', 4, {}, 1, 4),
        ('tblite', 4, {'threads': 2}, 1, 4),
        ('pyscf', 4, {}, 4, 1),
        ('pyscf', 8, {'threads': 2}, 2, 4),
        ('pyscf', 2, {'threads': 9}, 2, 1),
        ('pyscf', 8, {'threads': 2, 'device': 'gpu'}, 2, 1),
    ],
)
def test_cores_are_shared_out(engine, cores, settings, threads, workers):
    job = Job(cores, settings=RunnerSettings(**settings, memory_mb=8000), plan=Plan(engine))
    assert (job.threads, job.workers) == (threads, workers)
    assert job.memory_mb == 8000 // workers
