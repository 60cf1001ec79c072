"""``aiida-osc setup computer`` on this machine, without ssh; over ssh see the tests of the cluster."""

import stat

import pytest
from aiida.orm import Computer, QueryBuilder, load_code, load_computer
from click.testing import CliRunner

from aiida_osc.cli import main
from aiida_osc.cli.remote_codes import CodePlan, ensure_code, xtb_environment
from aiida_osc.cli.remote_computer import ComputerPlan, run
from aiida_osc.errors import OscError


@pytest.fixture
def programs(tmp_path):
    """Return a function that makes an executable which prints a text when asked for its version."""

    def make(name, prints, status=0):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\nexit {status}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture
def profile(aiida_profile_clean):
    """An empty profile, emptied again: other tests look for codes by label and would take those of a far computer."""
    yield aiida_profile_clean
    aiida_profile_clean.reset_storage()


@pytest.fixture
def setup(profile, tmp_path):
    """Return a function that sets up a computer on this machine and returns status and output."""

    def invoke(*arguments, name='here', new=True):
        where = ['--transport', 'core.local', '--scheduler', 'core.direct', '--workdir', str(tmp_path / 'jobs')]
        command = ['setup', 'computer', name, *(where if new else []), '--profile', profile.name, *arguments]
        done = CliRunner().invoke(main, command)
        return done.exit_code, done.output

    return invoke


def computers():
    return QueryBuilder().append(Computer, project='label').all(flat=True)


def test_computer_and_code_are_made_and_then_left_as_they_are(setup, programs, tmp_path):
    psi4 = programs('psi4', '1.3.2')
    prepend = tmp_path / 'prepend.sh'
    prepend.write_text('export MODULES=loaded\n')
    arguments = ('--psi4', psi4, '--prepend', str(prepend), '--cores', '4', '--memory', '2', '--poll', '3')
    status, output = setup(*arguments)
    assert status == 0, output
    assert f'code psi4@here: made ({psi4}, Psi4 1.3.2)' in output
    assert output.splitlines()[-1] == 'ready'
    computer, code = load_computer('here'), load_code('psi4@here')
    assert computer.get_prepend_text() == 'export MODULES=loaded'
    assert computer.get_default_mpiprocs_per_machine() == 4
    assert computer.get_default_memory_per_machine() == 2 * 1024**2  # kB
    assert computer.get_minimum_job_poll_interval() == 3
    assert computer.get_configuration()['use_login_shell'] is False
    assert (code.default_calc_job_plugin, code.with_mpi, code.use_double_quotes) == ('osc.psi4', False, False)
    assert not (tmp_path / 'jobs').exists()
    status, output = setup(*arguments)
    assert (status, output.splitlines()[-1]) == (0, 'ready, nothing changed')
    assert load_code('psi4@here').uuid == code.uuid


def test_programs_are_added_to_a_computer_that_is_there(setup, programs):
    setup()
    orca = programs('orca', '            Program Version 5.0.4 -  RELEASE  -', status=64)
    status, output = setup('--orca', orca, new=False)
    assert status == 0, output
    assert f'code orca@here: made ({orca}, ORCA 5.0.4)' in output
    assert 'computer here: there' in output


def test_program_that_moved_gets_a_new_code(setup, programs):
    setup('--psi4', programs('old', '1.3.2'))
    old = load_code('psi4@here')
    setup('--psi4', programs('new', '1.9.1'), new=False)
    assert load_code('psi4@here').uuid != old.uuid
    assert (old.label, old.is_hidden) == (f'psi4-{old.pk}', True)


def test_program_is_found_where_the_prepend_text_says(setup, programs, tmp_path):
    programs('psi4', 'a greeting\n1.9.1')
    prepend = tmp_path / 'prepend.sh'
    prepend.write_text(f'export PATH="{tmp_path}:$PATH"\n')
    status, output = setup('--psi4', 'psi4', '--prepend', str(prepend))
    assert status == 0, output
    assert str(load_code('psi4@here').filepath_executable) == str(tmp_path / 'psi4')
    assert 'Psi4 1.9.1' in output


def test_engines_that_the_python_has_become_codes(setup, programs):
    python = programs('python', '{"tblite": {"tblite": "0.8.0", "rdkit": "2025.9.1"}, "pyscf": "No module named x"}')
    xtb = programs('xtb', "   * xtb version 6.5.1 (unknown) compiled by 'x' on 2022-12-09")
    status, output = setup('--python', python, '--xtb', xtb)
    assert status == 0, output
    assert f'code tblite@here: made ({python}, tblite 0.8.0, rdkit 2025.9.1, xtb 6.5.1)' in output
    assert 'pyscf' not in output
    assert load_code('tblite@here').prepend_text == xtb_environment(xtb)


def test_text_for_xtb_puts_it_before_other_programs(setup, programs, tmp_path, aiida_localhost):
    (tmp_path / 'with space' / 'bin').mkdir(parents=True)
    (tmp_path / 'with space' / 'share' / 'xtb').mkdir(parents=True)
    xtb = programs('with space/bin/xtb', 'this one')
    with aiida_localhost.get_transport() as transport:
        status, output = run(transport, 'xtb; echo "$XTBPATH"', xtb_environment(xtb))
    assert (status, output.splitlines()) == (0, ['this one', str(tmp_path / 'with space' / 'share' / 'xtb')])


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (('--psi4', '/no/psi4'), 'there is no executable /no/psi4 on the computer; correct --psi4'),
        (('--orca', 'no-orca'), 'there is no executable no-orca'),
        (('--psi4', 'a\nb'), 'without control characters'),
        (('--xtb', '/usr/bin/xtb'), 'name that too, with --python'),
        (('--python', '/bin/true'), '/bin/true cannot be run there (it said nothing); name another with --python'),
        (('--user', 'me'), 'write "User me" there'),
        (('--workdir', 'jobs'), 'give the work folder as an absolute path'),
        (('--workdir', '/dev/null/jobs'), 'can neither be written nor made'),
        (('--host', '-oProxyCommand=x'), 'is no host'),
        (('--no-test', '--orca', 'orca'), '--orca orca: give the whole path, from / on'),
        (('--scheduler', 'core.slurm', '--prepend', '/no/file'), "File '/no/file' does not exist"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(setup, arguments, sentence):
    status, output = setup(*arguments)
    assert status != 0
    assert sentence in ' '.join(output.split())
    assert computers() == []


def test_python_without_an_engine_is_refused_with_the_cure(setup, programs):
    python = programs('python', '{"tblite": "No module named tblite", "pyscf": "No module named pyscf"}')
    status, output = setup('--python', python)
    assert status == 1
    assert f'{python} -m pip install numpy rdkit tblite' in output
    assert computers() == []


def test_computer_that_differs_is_not_changed(setup):
    setup('--cores', '2')
    status, output = setup('--cores', '3', new=False)
    assert status == 1
    assert 'exists with other settings (cores is 2, not 3)' in output
    assert load_computer('here').get_default_mpiprocs_per_machine() == 2


def test_new_computer_needs_a_folder_for_its_jobs(setup):
    status, output = setup(new=False)
    assert (status, computers()) == (1, [])
    assert '--workdir' in output


def test_without_a_test_nothing_is_connected(profile):
    arguments = ['setup', 'computer', 'far', '--no-test', '--workdir', '/scratch', '--python', '/opt/bin/python']
    done = CliRunner().invoke(main, [*arguments, '--profile', profile.name])
    assert done.exit_code == 0, done.output
    computer = load_computer('far')
    assert (computer.transport_type, computer.scheduler_type) == ('core.ssh_async', 'core.slurm')
    settings = computer.get_configuration()
    assert (settings['host'], settings['safe_interval'], settings['backend']) == ('far', 5.0, 'asyncssh')
    assert computer.get_minimum_job_poll_interval() == 10
    for label in ('tblite', 'pyscf'):
        assert str(load_code(f'{label}@far').filepath_executable) == '/opt/bin/python'


def test_options_before_the_word_computer_are_refused():
    done = CliRunner().invoke(main, ['setup', '--workers', '3', 'computer', 'x'])
    assert done.exit_code == 2
    assert '--workers before "computer"' in done.output


def test_name_is_checked():
    with pytest.raises(OscError, match='is no name for a computer'):
        ComputerPlan('a@b')


def test_code_says_what_it_is_for(profile, aiida_localhost):
    step = ensure_code(aiida_localhost, CodePlan('psi4', '/usr/bin/psi4', 'osc.psi4', 'Psi4'))
    assert step.changed
    assert load_code('psi4@localhost').description == 'Set up by aiida-osc for osc.psi4'
