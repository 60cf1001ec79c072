"""Tests of ``aiida-osc compute``."""

import sys

import pytest
from aiida.engine import run_get_node
from aiida.orm import CalcJobNode, InstalledCode, ProcessNode, QueryBuilder
from click.testing import CliRunner

from aiida_osc.cli import main
from aiida_osc.cli.common import require_daemon
from aiida_osc.cli.labelling import (
    describe,
    find_code,
    find_process,
    finished_molecules,
    make_builder,
    read_molecules,
    report_labels,
    resume_builder,
)
from aiida_osc.errors import OscError

CHOICES = {
    'engine': 'tblite', 'protocol': None, 'level': None, 'epsilon': None, 'code': None, 'xtb_code': 'tblite',
    'cores': None, 'memory': None, 'chunk_size': None, 'max_concurrent': None, 'walltime': None, 'reuse': True,
    'seed': 0,
}  # fmt: skip


@pytest.fixture
def molecules(tmp_path):
    path = tmp_path / 'three.smi'
    path.write_text('c1ccsc1 thiophene\nC1#CC1 cyclopropyne\nc1ccoc1 furan\nnonsense\n')
    return str(path)


@pytest.fixture
def code(aiida_code_installed):
    return aiida_code_installed(label='tblite', filepath_executable=sys.executable)


def call(*arguments):
    return CliRunner().invoke(main, ['compute', *arguments])


def test_dry_run_says_what_would_be_computed(molecules, code):
    before = QueryBuilder().append(ProcessNode).count()

    result = call(molecules, '--dry-run', '--cores', '2', '--chunk-size', '2')

    assert result.exit_code == 0, result.output
    assert '3 molecules in 2 jobs of up to 2, at most 1 at a time with 2 cores each, by tblite' in result.output
    assert 'line 4' in result.output, 'what is left out is said'
    assert QueryBuilder().append(ProcessNode).count() == before


def test_refuses_without_daemon(molecules, code):
    result = call(molecules)
    assert result.exit_code == 1
    assert 'aiida-osc setup' in result.output
    assert 'Traceback' not in result.output


def test_require_daemon_names_the_command(aiida_config_tmp, aiida_profile_factory):
    with (
        aiida_profile_factory(aiida_config_tmp, broker_backend='core.zeromq', name='quiet'),
        pytest.raises(OscError, match='verdi -p quiet daemon start 2'),
    ):
        require_daemon()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['missing.smi'], 'missing.smi does not exist'),
        (['nosuchlabel'], "no node 'nosuchlabel'"),
        (['{molecules}', '--code', 'nosuchcode'], 'aiida-osc setup'),
        (['{empty}'], 'empty'),
        (['{molecules}', '--cores', '0'], '--cores'),
        (['{molecules}', '--chunk-size', '0'], '--chunk-size'),
        (['{molecules}', '--engine', 'turbomole'], 'tblite'),
        (['{molecules}', '--engine', 'orca'], "no code 'orca'"),
        (['{molecules}', '--level', 'B3LYP/def2-SVP'], 'tblite computes at its own levels'),
        (['{molecules}', '--engine', 'pyscf', '--code', 'tblite', '--level', 'B4LYP/def2-SVP'], 'unknown method'),
        (['{molecules}', '--engine', 'pyscf', '--code', 'tblite', '--level', 'B3LYP'], 'is no level'),
        (['{molecules}', '--engine', 'pyscf', '--code', 'tblite', '--protocol', 'fast'], 'needs a level'),
        (['{molecules}', '--epsilon', '3.5'], '--epsilon needs --level'),
    ],
)
def test_bad_input_ends_in_a_sentence(arguments, words, molecules, code, tmp_path):
    empty = tmp_path / 'empty.smi'
    empty.touch()
    filled = [item.format(molecules=molecules, empty=empty) for item in arguments]

    result = call(*filled, '--dry-run')

    assert result.exit_code in (1, 2)
    assert words in result.output
    assert 'Traceback' not in result.output


def test_several_codes_of_one_label(code, aiida_code_installed, aiida_computer_local):
    for name in ('one', 'other'):
        computer = aiida_computer_local(label=name)
        InstalledCode(label='twin', computer=computer, filepath_executable=sys.executable).store()
    with pytest.raises(OscError, match='LABEL@COMPUTER'):
        find_code('twin')
    assert find_code('twin@one').computer.label == 'one'


def test_choices_reach_the_inputs(molecules, code):
    choices = {**CHOICES, 'cores': 3, 'max_concurrent': 4, 'walltime': 600, 'seed': 5}
    builder = make_builder(read_molecules(molecules, store=False), **choices)

    assert builder.parameters.get_dict() == {'engine': 'tblite', 'seed': 5}
    assert builder.max_concurrent.value == 4
    assert builder.options['max_wallclock_seconds'] == 600
    assert builder.options['resources'] == {'num_machines': 1, 'num_mpiprocs_per_machine': 3}
    assert '3 cores each' in describe(builder)


def test_every_option_has_help():
    from aiida_osc.cli.compute import compute

    assert all(parameter.help for parameter in compute.params if parameter.param_type_name == 'option')


@pytest.mark.xtb
def test_labels_are_reported_and_written(molecules, code, tmp_path, capsys):
    builder = make_builder(read_molecules(molecules, store=True), **CHOICES)
    _, process = run_get_node(builder)
    capsys.readouterr()

    report_labels(process, str(tmp_path / 'labels.csv'))

    said = capsys.readouterr()
    assert 'C1#CC1: failed, no start geometry' in said.err
    assert 'labels: 2 molecules' in said.out
    lines = (tmp_path / 'labels.csv').read_text().splitlines()
    assert len(lines) == 3
    assert 'lambda_hole@GFN2-xTB//GFN2-xTB' in lines[0]
    assert finished_molecules(process) == 3


# Ends the runner after its first molecule, and does nothing at all in a folder that has results.
WRAPPER = """#!/bin/bash
[ -s results.jsonl ] && {{ cp results.jsonl runner.log; exit 1; }}
{python} "$@" &
while kill -0 $! 2>/dev/null && ! [ -s results.jsonl ]; do sleep 0.02; done
kill $! 2>/dev/null
wait $!
"""


@pytest.mark.xtb
def test_an_ended_process_is_taken_up_where_it_ended(molecules, code, aiida_localhost, tmp_path):
    script = tmp_path / 'ends_early'
    script.write_text(WRAPPER.format(python=sys.executable))
    script.chmod(0o755)
    InstalledCode(label='ends_early', computer=aiida_localhost, filepath_executable=str(script)).store()
    builder = make_builder(read_molecules(molecules, store=True), **{**CHOICES, 'code': 'ends_early', 'reuse': False})
    _, first = run_get_node(builder)
    assert first.exit_status // 100 in (3, 4)
    assert 'not_treated' in {item['status'] for item in first.outputs.failures['molecules'].values()}
    finished = finished_molecules(first)
    assert 0 < finished < 3

    again = resume_builder(find_process(str(first.pk)), cores=2, walltime=900)
    again.code = code
    _, second = run_get_node(again)

    assert list(again.parents) == ['chunk_000']
    assert again.options['resources']['num_mpiprocs_per_machine'] == 2
    assert second.is_finished_ok, second.exit_message
    assert second.outputs.labels.count == 2
    job = next(node for node in second.called_descendants if isinstance(node, CalcJobNode))
    log = job.outputs.retrieved.base.repository.get_object_content('runner.log')
    assert f'{finished} of 3 molecules are there, {3 - finished} to do' in log


def test_other_nodes_are_no_process(molecules, code):
    assert find_process('nosuchlabel') is None
    assert find_process(read_molecules(molecules, store=True).uuid) is None
