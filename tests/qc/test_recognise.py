"""Tests of reading any output, and of ``aiida-osc qc parse``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiida_osc.cli import main
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.recognise import parse_output

HERE = Path(__file__).parent
XTB = HERE / 'fixtures' / 'xtb'
SHARED = HERE.parents[2] / 'shared' / 'data'
OUTPUTS = sorted([*SHARED.glob('qc_outputs/*/*.out'), *SHARED.glob('qc_outputs/*/*.log')])
FAILED = {
    'freq_arc.out': 'output_truncated',  # it has no end: cut by those who published it
    'orca_basis_error.log': 'basis_missing',
    'orca_input_error.log': 'input_refused',
    'orca_multiplicity_error.log': 'wrong_multiplicity',
    'orca_scf_blow_up_error.log': 'scf_not_converged',
    'orca_scf_memory_error.log': 'out_of_memory',
    'orca_wavefunction_not_converge_error.log': 'scf_not_converged',
}


def call(*arguments):
    return CliRunner().invoke(main, ['qc', 'parse', *map(str, arguments)])


def test_one_output_is_one_object():
    result = call(XTB / 'opt.out')
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content['provenance']['creator'] == 'xtb'
    assert content['properties']['return_energy'] < 0
    assert 'error' not in content


def test_several_outputs_are_a_list_and_one_failure_is_a_failure():
    result = call(XTB / 'opt.out', XTB / 'failed_scf.out')
    assert result.exit_code == 1
    good, bad = json.loads(result.stdout)
    assert good['success']
    assert not bad['success']
    assert bad['error']['error_type'] == 'scf_not_converged'
    assert 'failed_scf.out: scf_not_converged' in result.stderr


def test_units_on_demand():
    content = json.loads(call('--units', XTB / 'opt.out').stdout)
    assert content['units']['properties.return_energy'] == 'hartree'


@pytest.mark.parametrize(
    ('content', 'words'),
    [(b'', 'empty'), (b'Once upon a time', 'no output of ORCA'), (b'\xff\xfe\x00' * 99, 'no output of ORCA')],
)
def test_what_is_no_output_is_said(tmp_path, content, words):
    path = tmp_path / 'job.out'
    path.write_bytes(content)
    result = call(path)
    assert result.exit_code == 1
    assert words in json.loads(result.stdout)['error']['error_message']


def test_missing_file(tmp_path):
    result = call(tmp_path / 'none.out', tmp_path)
    assert result.exit_code == 1
    assert 'none.out' in result.stderr
    assert 'Traceback' not in result.output


@pytest.mark.skipif(not OUTPUTS, reason='the recorded outputs of ORCA and Psi4 are not here')
@pytest.mark.parametrize('path', OUTPUTS, ids=lambda path: path.name)
def test_every_recorded_output(path):
    result = parse_output(path.read_bytes().decode('utf-8', errors='replace'))
    assert result.failure == FAILED.get(path.name)
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    if result.success:
        assert content['properties']['return_energy'] < -70
        assert content['properties']['homo'] < content['properties']['lumo']
        assert len(content['molecule']['geometry']) == len(content['molecule']['symbols'])
        assert {'molecular_charge', 'molecular_multiplicity'} <= set(content['molecule'])
    else:
        assert result.failure in FAILURES
        assert result.reason
