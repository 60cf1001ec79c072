"""Tests of the table of failures: the wordings of ORCA 4.0 to 6.1, as the program and its users quote them."""

import pytest
from orca_files import short_output

from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.orca_errors import WORDINGS
from aiida_osc.qc.orca_output import parse_orca

ABORT = '\n[file orca_tools/qcmsg.cpp, line 465]: \n  .... aborting the run\n\n'
#: wording -> kind
MESSAGES = {
    'Error : multiplicity (1) is odd and number of electrons (235) is odd -> impossible': 'wrong_multiplicity',
    '     ** There are no main basis functions on atom number   0 (C) **': 'basis_missing',
    'The basis set was either not assigned or not available for this element - Aborting the run': 'basis_missing',
    'Error (ORCA_GTOINT/SHARK): \nZero distance encountered between atoms 61 and 20': 'atoms_too_close',
    'Error: Zero distance between atoms 1 and 2 in Cartesian2Internal': 'atoms_too_close',
    '     INPUT ERROR\nUNRECOGNIZED OR DUPLICATED KEYWORD(S) IN SIMPLE INPUT LINE\n  MAXCORE 1800': 'input_refused',
    '\t Unknown error in GEOM block - check syntax! \n\t LEAVING ORCA': 'input_refused',
    "ERROR: expect a '$', '!', '%', '*' or '[' in the input": 'input_refused',
    'ERROR: XYZ File reading requested but the structure file does not exist': 'input_refused',
    'Error (ORCA_MDCI): Number of processes (16) in parallel calculation exceeds number of pairs (10)': 'input_refused',
    'Error (ORCA_SCF): Not enough memory available!\nPlease increase MaxCore to more than: 29.9 MB': 'out_of_memory',
    'Please increase MaxCore - by at least ( 9717.9 MB)': 'out_of_memory',
    'Please increase MaxCore!': 'out_of_memory',
    'ERROR - OUT OF MEMORY !!!\n    MINIMUM REQUIRED:  5000.0 MB': 'out_of_memory',
    'ERROR (SHARK/DRIVER/SYM): Out of memory!': 'out_of_memory',
    'Error (DLPNO-MP2): Insufficient memory available!': 'out_of_memory',
    'cannot allocate memory for cache, abort': 'out_of_memory',
    "terminate called after throwing an instance of 'std::bad_alloc'": 'out_of_memory',
    'mpirun noticed that process rank 3 with PID 0 on node n1 exited on signal 9 (Killed).': 'out_of_memory',
    'slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch': 'out_of_memory',
    'ORCA finished by error termination in GTOInt': 'out_of_memory',
    'orca_scf_mpi: error while loading shared libraries: libmpi.so.40: cannot open shared object file': 'no_executable',
    '/bin/sh: 1: mpirun: not found': 'no_executable',
    '               *        SCF NOT CONVERGED AFTER 125 CYCLES          *': 'scf_not_converged',
    'This wavefunction IS NOT CONVERGED!': 'scf_not_converged',
    'Error (ORCA_LEANSCF): unfortunately,\nthe SCF has not converged. There may be a way out': 'scf_not_converged',
    'Diagonalization failure because of NANs in input matrix': 'scf_not_converged',
    'The optimization did not converge but reached the maximum \nnumber of cycles.': 'geometry_not_converged',
    'slurmstepd: error: *** JOB 17 ON n1 CANCELLED AT 2024 DUE TO TIME LIMIT ***': 'out_of_walltime',
    'No space left on device\nError: not enough memory': 'crashed',
    'ORCA finished by error termination in SCF gradient': 'crashed',
    'Segmentation fault (core dumped)': 'crashed',
}


@pytest.mark.parametrize('message', MESSAGES)
def test_message(message):
    result = parse_orca(short_output(middle=f'\n{message}\n{ABORT}', end=False))

    assert result.failure == MESSAGES[message]
    assert result.reason
    assert result.energy == -76.321, 'what was read stays'


@pytest.mark.parametrize('message', MESSAGES)
def test_message_without_anything_else(message):
    """Many errors come before the header, or in place of it."""
    assert parse_orca(f'{message}\n{ABORT}').failure == MESSAGES[message]


@pytest.mark.parametrize(
    'warning',
    [
        'WARNING - LOW MEMORY !!!\nINSUFFICIENT MEMORY MAY LEAD TO SLOW PERFORMANCE OR CRASHES.',
        'WARNING [Contract_2_4_4_CalcBatching]: Out of memory according to MaxCore limit!',
        'Warning: the SCF has not converged in the guess',
    ],
)
def test_warning_is_no_failure(warning):
    assert parse_orca(short_output(middle=f'\n{warning}\n')).success
    assert parse_orca(short_output(middle=f'\n{warning}\n', end=False)).failure == 'output_truncated'
    assert parse_orca(short_output(middle=f'\n{warning}\n{ABORT}', end=False)).failure == 'crashed'


def test_error_of_one_part_is_a_failure_even_when_the_rest_ends_normally():
    text = short_output(middle='\nORCA finished by error termination in PROP\n')
    assert parse_orca(text).failure == 'crashed'


def test_old_failure_of_an_scf_does_not_hide_what_came_later():
    first = '\n      SCF NOT CONVERGED AFTER 125 CYCLES\n'
    text = short_output(end=False).replace('General Settings', first + 'General Settings', 1)
    assert parse_orca(text + ABORT).failure == 'crashed'


def test_another_program():
    result = parse_orca('bash: line 3: /opt/orca/orca: No such file or directory\n')
    assert result.failure == 'no_executable'
    assert '/opt/orca/orca' in result.reason
    assert parse_orca('    Psi4: An Open-Source Ab Initio Electronic Structure Package\n').failure == 'output_truncated'


def test_kinds_of_the_table():
    assert {kind for kind, _, _ in WORDINGS} <= set(FAILURES)
