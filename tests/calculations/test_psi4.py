"""Tests of the Psi4 job: what it writes, what it refuses, what its hash depends on."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from aiida.common.folders import SandboxFolder
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import Dict, InstalledCode, RemoteData

from aiida_osc.calculations import launch_lock
from aiida_osc.calculations.psi4 import Psi4Calculation, validate_inputs
from aiida_osc.calculations.structures import structure_from
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.psi4_input import Psi4Settings, render_input

SYMBOLS = ('O', 'H', 'H')
POSITIONS = np.array([[0.0, 0.0, 0.1178], [0.0, 0.7555, -0.4712], [0.0, -0.7555, -0.4712]])
HF = {'method': 'HF', 'basis': 'STO-3G', 'dispersion': ''}
QCSCHEMA = {
    'schema_name': 'qcschema_input',
    'schema_version': 1,
    'driver': 'energy',
    'model': {'method': 'hf', 'basis': 'sto-3g'},
    'molecule': {'symbols': ['He'], 'geometry': [0, 0, 0]},
}


@pytest.fixture
def inputs(aiida_code_installed):
    code = aiida_code_installed(filepath_executable='/usr/bin/psi4')
    parameters = Dict({'driver': 'optimization', 'model': HF})
    options = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}}
    structure = structure_from(SYMBOLS, POSITIONS)
    return {'code': code, 'structure': structure, 'parameters': parameters, 'metadata': {'options': options}}


@pytest.fixture
def prepare():
    """Return a function that gives the process, its calc info and the written files."""

    def run(inputs):
        process = instantiate_process(get_manager().get_runner(), Psi4Calculation, **inputs)
        with SandboxFolder() as folder:
            info = process.prepare_for_submission(folder)
            content = {name: Path(folder.abspath, name).read_text() for name in folder.get_content_list()}
        return process, info, content

    return run


def test_files(prepare, inputs):
    process, info, content = prepare(inputs)

    assert sorted(content) == ['input.py']
    ast.parse(content['input.py'])
    calculation = Calculation.from_dict(inputs['parameters'].get_dict())
    assert content['input.py'] == render_input(calculation, SYMBOLS, POSITIONS, threads=1, memory_mb=1700)
    assert set(info.retrieve_list) == {'results.json', 'output.txt', 'psi4.log', 'job.status'}
    assert not info.remote_copy_list
    (code_info,) = info.codes_info
    assert code_info.cmdline_params == ['-i', 'input.py', '-o', 'output.txt', '-n', '1', '--skip-preprocessor']
    assert code_info.stdout_name == 'psi4.log'
    assert (info.prepend_text, info.append_text) == (launch_lock.PREPEND, launch_lock.APPEND)
    assert process.node.get_option('parser_name') == 'osc.psi4'
    assert process.node.get_option('withmpi') is False


def test_threads_memory_and_deadline_follow_the_options(prepare, inputs):
    inputs['metadata']['options'] = {
        'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1, 'num_cores_per_mpiproc': 8},
        'max_memory_kb': 4_000_000,
        'max_wallclock_seconds': 1000,
    }
    inputs['settings'] = Dict({'scf_iterations': 7})
    _, info, content = prepare(inputs)

    assert info.codes_info[0].cmdline_params[5] == '8'
    for line in ('psi4.set_num_threads(8)', "psi4.set_memory('3400 MB')", '> 950.0:', "'maxiter': 7,"):
        assert line in content['input.py']


def test_qcschema(prepare, inputs):
    inputs = {'code': inputs['code'], 'qcschema': Dict(QCSCHEMA), 'metadata': inputs['metadata']}
    _, _, content = prepare(inputs)

    assert sorted(content) == ['input.py', 'qcschema.json']
    assert json.loads(content['qcschema.json']) == QCSCHEMA
    assert 'sto-3g' not in content['input.py'], 'nothing of the schema is in the code'


def test_parent_folder_gives_orbitals_and_geometry(prepare, inputs, aiida_localhost):
    inputs['parent_folder'] = RemoteData(remote_path='/scratch/ab', computer=aiida_localhost).store()
    _, info, content = prepare(inputs)
    assert info.remote_copy_list == [
        (aiida_localhost.uuid, '/scratch/ab/orbitals.npy', 'orbitals.npy'),
        (aiida_localhost.uuid, '/scratch/ab/results.json', 'parent.json'),
    ]
    assert 'molecule.set_geometry' in content['input.py']
    inputs['parameters'] = Dict({'driver': 'energy', 'model': HF})
    assert 'molecule.set_geometry' not in prepare(inputs)[2]['input.py'], 'an energy is of the structure that was given'


def test_hash_depends_on_the_content_alone(prepare, inputs):
    def node_hash(**changes):
        return prepare({**inputs, **changes})[0].node.base.caching.compute_hash()

    first = node_hash()
    walltime = {'options': {**inputs['metadata']['options'], 'max_wallclock_seconds': 99}, 'label': 'a story'}
    assert node_hash(structure=structure_from(SYMBOLS, POSITIONS)) == first
    assert node_hash(metadata=walltime) == first
    assert node_hash(parameters=Dict({'driver': 'energy', 'model': HF})) != first
    assert node_hash(settings=Dict({'density_fitting': False})) != first


def refused(prepare, inputs, words):
    with pytest.raises(ValueError, match=words):
        prepare(inputs)


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'model': {**HF, 'method': 'B4LYP'}}, "unknown method 'B4LYP'"),
        ({'model': {**HF, 'basis': 'none'}}, "unknown basis 'none'"),
        ({'model': {**HF, 'x': 1}}, 'unknown settings x'),
        ({'model': HF, 'keyword': 'x'}, 'unknown settings keyword'),
        ({'model': HF, 'driver': 'dance'}, "driver 'dance'"),
        ({'model': HF, 'multiplicity': 2}, 'cannot have multiplicity 2'),
        ({'model': HF, 'charge': -1}, 'cannot have multiplicity 1'),
        ({'model': {**HF, 'epsilon': 3.5}, 'driver': 'optimization'}, 'no gradients in a solvent'),
    ],
)
def test_refuses_parameters(prepare, inputs, parameters, words):
    refused(prepare, {**inputs, 'parameters': Dict(parameters)}, words)


@pytest.mark.parametrize(
    ('symbols', 'positions', 'words'),
    [
        (('H', 'H'), [[0, 0, 0], [0, 0, 0.3]], 'on top of each other'),
        (('He', 'He'), [[0, 0, 0], [0, 0, 3.0]], '2 fragments'),
        (('I', 'H'), [[0, 0, 0], [0, 0, 1.6]], 'use a def2 basis'),
    ],
)
def test_refuses_structures(prepare, inputs, symbols, positions, words):
    parameters = Dict({'model': {**HF, 'basis': 'cc-pVDZ'}})
    refused(prepare, {**inputs, 'structure': structure_from(symbols, positions), 'parameters': parameters}, words)


def test_refuses_settings_and_schemas(prepare, inputs):
    refused(prepare, {**inputs, 'settings': Dict({'maxiter': 3})}, 'unknown settings maxiter')
    refused(prepare, {'code': inputs['code'], 'qcschema': Dict({})}, 'an AtomicInput')
    refused(prepare, {**inputs, 'qcschema': Dict(QCSCHEMA)}, 'give either qcschema, or parameters and structure')
    refused(prepare, {'code': inputs['code']}, 'nothing given')
    refused(prepare, {'code': inputs['code'], 'structure': inputs['structure']}, 'structure given')
    schema = {'code': inputs['code'], 'qcschema': Dict(QCSCHEMA), 'settings': Dict({})}
    refused(prepare, schema, 'leave them out with qcschema')


def test_refuses_several_machines(prepare, inputs):
    inputs['metadata']['options'] = {'resources': {'num_machines': 2, 'num_mpiprocs_per_machine': 1}}
    refused(prepare, inputs, 'one machine')


def test_refuses_codes_that_bash_expands(prepare, inputs, aiida_localhost):
    inputs['code'] = InstalledCode(
        label='dangerous', computer=aiida_localhost, filepath_executable='/usr/bin/psi4', use_double_quotes=True
    ).store()
    refused(prepare, inputs, 'use_double_quotes to false')


def test_refuses_a_parent_elsewhere(prepare, inputs, aiida_computer_local):
    elsewhere = aiida_computer_local(label='elsewhere')
    inputs['parent_folder'] = RemoteData(remote_path='/scratch', computer=elsewhere).store()
    refused(prepare, inputs, 'another computer')


def test_every_failure_has_its_exit_code():
    for failure in FAILURES.values():
        code = Psi4Calculation.exit_codes[failure.label]
        assert (code.status, code.message, code.invalidates_cache) == (failure.status, failure.message, True)


def test_no_inputs_at_all():
    assert 'nothing given' in validate_inputs({}, None)
    assert Psi4Settings().density_fitting is True


def test_psi4_does_not_import_from_the_environment_of_the_daemon(prepare, inputs):
    process, _, _ = prepare(inputs)
    assert process.inputs.metadata.options.environment_variables == {'PYTHONPATH': ''}
