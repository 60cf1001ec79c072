"""Jobs on a real SLURM, over a real ssh, as ``aiida-osc setup computer`` has made the computer."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from local_cluster import HOST
from own_profile import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.daemon, pytest.mark.slurm, pytest.mark.timeout(600)]

SCRIPTS = Path(__file__).with_name('cluster_scripts.py')
HINDERED = Path(__file__).with_name('hindered_python.py')
ETHYLENE, THIOPHENE = 'C=C', 'c1ccsc1'
OUT_OF_WALLTIME, OUT_OF_MEMORY = 402, 403  # of osc.fourpoint_batch


@pytest.fixture
def ask(installation, computer):
    """Return a function that runs a command of the scripts and returns its answer."""
    return lambda *arguments: installation.ask(str(SCRIPTS), *arguments)


@pytest.fixture
def end_of(ask):
    """Return a function that waits for the end of a process and describes it."""

    def wait(pk):
        wait_until(lambda: ask('describe', pk)['state'] in ('finished', 'excepted', 'killed'), f'process {pk}', pause=2)
        return ask('describe', pk)

    return wait


def setup_computer(installation, *arguments):
    return installation.run('aiida-osc', 'setup', 'computer', *arguments, check=False)


def test_computer_is_looked_at_and_made(cluster, computer):
    lines = computer.splitlines()
    assert lines[0] == f'connection to {HOST}: works, as user root'
    assert lines[1] == f'work folder {cluster.jobs_folder}/root: will be made by the first job'
    assert lines[2].startswith('scheduler core.slurm: answers (slurm')
    assert lines[3].startswith(f'computer {HOST}: made (core.slurm by core.ssh_async')
    assert lines[4].startswith(f'code tblite@{HOST}: made ({sys.executable}, tblite ')
    assert lines[-1] == 'ready'


def test_second_run_changes_nothing(installation, computer):
    again = setup_computer(installation, HOST, '--cores', '2', '--python', sys.executable)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == 'ready, nothing changed'


def test_what_is_wrong_is_said_and_nothing_is_stored(installation, computer):
    new = ('new', '--host', HOST, '--workdir')
    cases = {
        (HOST, '--orca', '/no/orca'): 'there is no executable /no/orca on the computer; correct --orca',
        (*new, '/dev/null/jobs'): 'the work folder /dev/null/jobs can neither be written nor made',
        (*new, '/x', '--scheduler', 'core.pbspro'): 'the scheduler core.pbspro does not answer',
        ('new', '--host', 'no-host.invalid', '--workdir', '/x'): 'cannot be reached',
    }
    for arguments, sentence in cases.items():
        outcome = setup_computer(installation, *arguments)
        assert outcome.returncode == 1
        assert sentence in outcome.stderr
        assert 'Traceback' not in outcome.stderr
    assert installation.run('verdi', 'computer', 'list', '--raw').stdout.split() == ['*', 'localhost', '*', HOST]
    assert 'orca' not in installation.run('verdi', 'code', 'list', '--raw').stdout


def test_batch_job_runs_under_slurm(installation, ask, tmp_path):
    molecules, labels = tmp_path / 'molecules.smi', tmp_path / 'labels.csv'
    molecules.write_text(f'{ETHYLENE} ethylene\n{THIOPHENE} thiophene\n')
    installation.run('aiida-osc', 'compute', str(molecules), '--code', f'tblite@{HOST}', '--out', str(labels))
    assert len(labels.read_text().splitlines()) == 3
    process = ask('describe', ask('last_process')['pk'])
    (job,) = process['jobs']
    assert (process['exit_status'], job['computer'], job['exit_status']) == (0, HOST, 0)
    assert int(job['job_id']) > 0
    assert 'results.jsonl' in job['retrieved']
    assert not [name for name in job['retrieved'] if name.endswith(('.pyz', '.gbw'))]


def hindered(tmp_path, hindrance):
    """Return the path of an executable that gets no further than one molecule the first time."""
    program = tmp_path / f'hindered-{hindrance}'
    text = HINDERED.read_text()
    for name, value in {'python': sys.executable, 'mark': tmp_path / 'ran', 'hindrance': hindrance}.items():
        text = text.replace(f'{{{name}}}', str(value))
    program.write_text(text)
    program.chmod(0o755)
    return str(program)


def test_job_killed_for_time_goes_on_where_it_was(cluster, ask, end_of, tmp_path):
    pk = ask('submit_batch', hindered(tmp_path, 'time'), 1500, ETHYLENE, THIOPHENE)['pk']
    wait_until(lambda: list(cluster.jobs_folder.rglob('hindered')), 'the first molecule')
    (folder,) = {path.parent for path in cluster.jobs_folder.rglob('hindered')}
    number = next(job['job_id'] for job in ask('describe', pk)['jobs'] if job['folder'] == str(folder))
    # Its time is over from now on; SLURM looks every half minute.
    assert cluster.run('scontrol', 'update', f'JobId={number}', 'TimeLimit=0').returncode == 0
    process = end_of(pk)
    (folder / 'hindered').unlink()
    assert [job['exit_status'] for job in process['jobs']] == [OUT_OF_WALLTIME, 0]
    assert [job['finished'] for job in process['jobs']] == [1, 2]
    assert (process['exit_status'], process['labels']) == (0, 2)
    assert any('ran out of wall time: 1 of 2 molecules are finished' in line for line in process['report'])


def test_job_killed_for_memory_goes_on_with_fewer_cores(cluster, ask, end_of, tmp_path):
    process = end_of(ask('submit_batch', hindered(tmp_path, 'memory'), 1500, ETHYLENE, THIOPHENE)['pk'])
    for path in cluster.jobs_folder.rglob('hindered'):
        path.unlink()
    assert [job['exit_status'] for job in process['jobs']] == [OUT_OF_MEMORY, 0]
    assert (process['exit_status'], process['labels']) == (0, 2)
    assert any('half of the cores' in line for line in process['report'])


@pytest.mark.psi4
@pytest.mark.skipif(shutil.which('psi4') is None, reason='no program psi4; on Debian or Ubuntu: apt-get install psi4')
def test_psi4_runs_under_slurm_and_only_once(cluster, installation, ask, end_of):
    setup_computer(installation, HOST, '--psi4', shutil.which('psi4'))
    (job,) = end_of(ask('submit_psi4')['pk'])['jobs']
    assert (job['exit_status'], job['computer']) == (0, HOST)
    # HF/STO-3G of water at the experimental geometry: -74.963 Ha (Szabo and Ostlund, Modern Quantum Chemistry, 1996).
    assert job['energy'] == pytest.approx(-74.963, abs=1e-3)
    folder = Path(job['folder'])
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if not path.name.startswith('_')}
    assert cluster.run('sbatch', '_aiidasubmit.sh', cwd=folder).returncode == 0
    wait_until(lambda: not cluster.run('squeue', '-h').stdout, 'the end of the second start')
    assert 'nothing to do' in (folder / '_scheduler-stderr.txt').read_text()
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name in before} == before


def test_folder_submitted_twice_runs_once(cluster, ask, tmp_path):
    """As when a worker is killed between the scheduler's answer and the note of it."""
    program = tmp_path / 'counter'
    program.write_text('#!/bin/sh\necho run >> runs\nuntil [ -e go ]; do sleep 0.1; done\nexit 3\n')
    program.chmod(0o755)
    made = ask('submit_script', str(program))
    job = cluster.jobs_folder / 'twice'
    job.mkdir()
    script = job / made['script']
    script.write_bytes((Path(made['folder']) / made['script']).read_bytes())
    script.write_text(script.read_text().replace('_scheduler-std', '%j-std'))  # of each start, to be read below
    numbers = [cluster.run('sbatch', made['script'], cwd=job).stdout.split()[-1] for _ in range(2)]

    def says(number):
        path = job / f'{number}-stderr.txt'
        return path.read_text() if path.exists() else ''

    try:
        wait_until(lambda: any('waiting for the end' in says(number) for number in numbers), 'the second start', 60)
        assert cluster.run('squeue', '-h', '-o', '%T').stdout.split() == ['RUNNING', 'RUNNING']
    finally:
        (job / 'go').touch()
    wait_until(lambda: not cluster.run('squeue', '-h').stdout, 'the end of both')
    assert (job / 'runs').read_text() == 'run\n'
    assert (job / 'job.status').read_text() == '3\n'
    assert sum('nothing to do' in says(number) for number in numbers) == 1


def test_unreachable_computer_pauses_the_job_until_it_is_played(cluster, installation, ask, end_of):
    cluster.stop_sshd()
    try:
        pk = ask('submit_batch', sys.executable, 1500, ETHYLENE)['pk']
        wait_until(lambda: any(job['paused'] for job in ask('describe', pk)['jobs']), 'the pause', pause=2)
        found = installation.run('aiida-osc', 'doctor', '--remote', check=False)
        assert found.returncode == 1
        assert f'computer {HOST} cannot be reached' in found.stdout
        assert 'was paused after failures' in found.stdout
        assert 'verdi -p osc process play' in found.stdout
    finally:
        cluster.start_sshd()
    (job,) = ask('describe', pk)['jobs']
    installation.run('verdi', 'process', 'play', str(job['pk']))
    process = end_of(pk)
    assert (process['exit_status'], process['labels']) == (0, 1)
    again = installation.run('aiida-osc', 'doctor', '--remote', check=False).stdout
    assert 'cannot be reached' not in again
    assert 'paused' not in again


def test_services_leave_nothing_behind(tmp_path):
    """In a program of its own that is killed, so that nothing could tidy up."""
    from local_cluster import obstacle

    if obstacle():
        pytest.skip(f'no SLURM: {obstacle()}')
    script = tmp_path / 'start.py'
    script.write_text(
        'import os, signal, sys\n'
        f'sys.path.insert(0, {str(Path(__file__).parent)!r})\n'
        'from pathlib import Path\n'
        'from local_cluster import LocalCluster\n'
        f'cluster = LocalCluster(Path({str(tmp_path / "cluster")!r}))\n'
        'cluster.start()\n'
        'print([service.pid for service in cluster._services], flush=True)\n'
        'os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    numbers = json.loads(done.stdout)
    assert len(numbers) == 4
    wait_until(lambda: not any(is_running(number) for number in numbers), 'the end of the services', 60)


def is_running(number):
    """Return whether a process runs; one that only waits for its parent to notice its end does not."""
    try:
        state = Path(f'/proc/{number}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return False
    return state != 'Z'
