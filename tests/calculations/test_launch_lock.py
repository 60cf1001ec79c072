"""The launch lock in real shells: started twice, killed, on another host."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from aiida_osc.calculations.launch_lock import APPEND, LOCK_FOLDER, PREPEND, STATUS_FILE

#: Runs until ``go`` is there; says so in ``runs``, once per run.
PROGRAM = 'echo run >> runs; until [ -e go ]; do sleep 0.05; done; (exit 3)'
SHELLS = [pytest.param(['bash'], id='bash'), pytest.param(['bash', '-euC'], id='bash-strict')]
if shutil.which('dash'):
    SHELLS.append(pytest.param(['dash'], id='dash'))


class Starts:
    """Start the script of one folder any number of times."""

    def __init__(self, folder: Path, shell: list[str], program: str = PROGRAM):
        self.folder, self.shell, self.running = folder, shell, []
        (folder / 'job.sh').write_text(f'{PREPEND}\n\n{program}\n\n{APPEND}\n')

    def __call__(self, **environment):
        times = {'OSC_LOCK_POLL': '0.05', 'OSC_LOCK_BEAT': '0.2', 'OSC_LOCK_STALE': '600', **environment}
        process = subprocess.Popen(
            [*self.shell, 'job.sh'],
            cwd=self.folder,
            env={**os.environ, **times},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def finish(self):
        (self.folder / 'go').touch()

    @property
    def runs(self):
        path = self.folder / 'runs'
        return path.read_text().count('run') if path.exists() else 0

    @property
    def turns(self):
        return sorted(path.name for path in self.folder.glob(f'{LOCK_FOLDER}-*/*'))

    def leftovers(self):
        """Return the command lines of what still runs in the folder."""
        found = []
        for process in Path('/proc').glob('[0-9]*'):
            try:
                if (process / 'cwd').resolve() == self.folder.resolve():
                    found.append((process / 'cmdline').read_bytes().replace(b'\0', b' ').decode())
            except OSError:
                continue
        return [command for command in found if command]  # without zombies, which have no command line


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.02)


def end_of(process):
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.fixture(params=SHELLS)
def starts(request, tmp_path):
    folder = tmp_path / 'job'
    folder.mkdir()
    made = Starts(folder, request.param)
    yield made
    for process in made.running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_single_start_notes_the_status_of_the_program(starts):
    starts.finish()
    assert end_of(starts()) == (0, '')
    assert (starts.folder / STATUS_FILE).read_text() == '3\n'
    assert starts.turns == ['1']
    wait_until(lambda: not starts.leftovers())


def test_second_start_waits_for_the_first_and_does_nothing(starts):
    first = starts()
    wait_until(lambda: starts.runs)
    before = {path.name: path.stat().st_mtime_ns for path in starts.folder.iterdir() if path.is_file()}
    second = starts()
    assert 'waiting for the end of that' in second.stderr.readline()
    assert {path.name: path.stat().st_mtime_ns for path in starts.folder.iterdir() if path.is_file()} == before
    assert second.poll() is None
    starts.finish()
    end_of(first)
    status, errors = end_of(second)
    assert (status, starts.runs) == (0, 1)
    assert 'nothing to do' in errors


def test_many_starts_at_once_run_once(starts):
    processes = [starts() for _ in range(8)]
    wait_until(lambda: starts.runs)
    starts.finish()
    assert all(end_of(process)[0] == 0 for process in processes)
    assert starts.runs == 1


def test_start_after_the_end_does_nothing(starts):
    starts.finish()
    end_of(starts())
    status, errors = end_of(starts())
    assert (status, starts.runs) == (0, 1)
    assert f'remove {starts.folder.resolve()}/{LOCK_FOLDER}-job' in errors


def test_start_takes_the_place_of_a_killed_one(starts):
    first = starts()
    wait_until(lambda: starts.runs)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    waiting = [starts() for _ in range(3)]
    wait_until(lambda: starts.runs == 2)
    starts.finish()
    for process in waiting:
        end_of(process)
    assert starts.turns == ['1', '2']


def test_heartbeat_ends_with_a_killed_shell(starts):
    first = starts()
    wait_until(lambda: list(starts.folder.glob(f'{LOCK_FOLDER}-*/1/heartbeat')))
    first.kill()  # the shell alone; its program and its heartbeat live on
    starts.finish()
    wait_until(lambda: not starts.leftovers())


def test_heartbeat_of_another_host_is_trusted_until_it_is_stale(starts):
    turn = starts.folder / f'{LOCK_FOLDER}-job' / '1'
    turn.mkdir(parents=True)
    (turn / 'host').write_text('elsewhere\n')
    (turn / 'process').write_text(f'{os.getpid()} 0\n')
    (turn / 'heartbeat').write_text('1\n')  # of a clock that is far behind: only its change counts
    patient = starts()
    assert 'started before (elsewhere)' in patient.stderr.readline()
    hasty = starts(OSC_LOCK_STALE='0')
    wait_until(lambda: starts.runs == 1)
    assert patient.poll() is None
    starts.finish()
    end_of(hasty)
    (turn / 'ended').write_text('0\n')
    assert end_of(patient)[0] == 0
    assert starts.runs == 1


def test_start_that_died_before_it_left_a_note_is_replaced(starts):
    (starts.folder / f'{LOCK_FOLDER}-job' / '1').mkdir(parents=True)
    starts.finish()
    end_of(starts(OSC_LOCK_STALE='0'))
    assert starts.runs == 1


def test_process_number_that_was_given_away_again_is_no_holder(starts):
    first = starts()
    wait_until(lambda: starts.runs)
    note = next(starts.folder.glob(f'{LOCK_FOLDER}-*/1/process'))
    note.write_text(f'{os.getpid()} 1\n')  # lives, but was born at another time
    second = starts()
    wait_until(lambda: starts.runs == 2)
    starts.finish()
    end_of(first)
    end_of(second)


def test_copy_of_the_folder_is_not_locked(starts, tmp_path):
    starts.finish()
    end_of(starts())
    shutil.copytree(starts.folder, tmp_path / 'copy')
    copy = Starts(tmp_path / 'copy', starts.shell)
    assert end_of(copy())[0] == 0
    assert copy.runs == 2  # the one that was copied, and its own


def test_folder_that_cannot_be_written_is_named(starts):
    (starts.folder / f'{LOCK_FOLDER}-job').write_text('in the way')
    status, errors = end_of(starts())
    assert status == 1
    assert f'{LOCK_FOLDER}-job' in errors
    assert starts.runs == 0
