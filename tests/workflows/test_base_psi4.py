"""Tests of the base work chain of Psi4: handlers on fake failed jobs, and real recoveries."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from aiida.common.links import LinkType
from aiida.engine import ProcessState, run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import CalcJobNode, Dict, FolderData, RemoteData

from aiida_osc.calculations.psi4 import Psi4Calculation
from aiida_osc.calculations.structures import read_structure, structure_from
from aiida_osc.errors import OscError
from aiida_osc.parsers.psi4 import Psi4Parser
from aiida_osc.qc.calculation import Calculation, Model
from aiida_osc.qc.failures import FAILURES
from aiida_osc.workflows.base.psi4 import Psi4BaseWorkChain, make_psi4_inputs

CALC = Psi4Calculation.exit_codes
OWN = Psi4BaseWorkChain.exit_codes
FIXTURES = Path(__file__).parents[1] / 'parsers' / 'fixtures' / 'psi4'
PSI4 = shutil.which('psi4')
needs_psi4 = pytest.mark.skipif(PSI4 is None, reason='needs the psi4 program (apt install psi4)')
OPTIONS = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}}
HF = Model('HF', 'STO-3G', '')
WATER = (('O', 'H', 'H'), np.array([[0.0, 0.0, 0.1178], [0.0, 0.7555, -0.4712], [0.0, -0.7555, -0.4712]]))
AMMONIA = (
    ('N', 'H', 'H', 'H'),
    np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.8660254, -0.5, 0.0], [-0.8660254, -0.5, 0.0]]),
)


@pytest.fixture
def code(aiida_code_installed):
    return aiida_code_installed(filepath_executable=PSI4 or '/usr/bin/psi4')


@pytest.fixture
def chain(code):
    """Return a factory of a work chain after its set-up."""

    def make(molecule=WATER, driver='optimization'):
        inputs = make_psi4_inputs(code, structure_from(*molecule), Calculation(driver, HF), OPTIONS)
        process = instantiate_process(get_manager().get_runner(), Psi4BaseWorkChain, psi4=inputs)
        process.setup()
        process.ctx.children = []
        return process

    return make


@pytest.fixture
def failed(aiida_localhost):
    """Return a function that adds a recorded failed job, parsed by the real parser, to a work chain."""

    def add(process, case, exit_status=None):
        inputs = process.ctx.inputs
        node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:osc.psi4')
        node.set_option('resources', {'num_machines': 1})
        for name in ('structure', 'parameters'):
            node.base.links.add_incoming(inputs[name].store(), LinkType.INPUT_CALC, name)
        node.store()
        retrieved = FolderData()
        retrieved.base.repository.put_object_from_tree(str(FIXTURES / case))
        remote = RemoteData(remote_path=f'/scratch/{node.pk}', computer=aiida_localhost)
        for label, output in {'retrieved': retrieved, 'remote_folder': remote}.items():
            output.base.links.add_incoming(node, LinkType.CREATE, label)
            output.store()
        if exit_status:
            node.set_exit_status(exit_status)
        parser = Psi4Parser(node)
        exit_code = parser.parse()
        for label, output in parser.outputs.items():
            output.base.links.add_incoming(node, LinkType.CREATE, label)
            output.store()
        node.set_exit_status(exit_code.status)
        node.set_exit_message(exit_code.message)
        node.set_process_state(ProcessState.FINISHED)
        process.ctx.iteration += 1
        process.ctx.children.append(node)
        return node

    return add


def test_scf_gets_more_help_each_time(chain, failed):
    process = chain()
    for stage in (1, 2, 3):
        failed(process, 'scf_not_converged')
        assert process.inspect_process().status == 0
        assert process.ctx.inputs.parameters['scf_help'] == stage
        assert 'parent_folder' not in process.ctx.inputs
    failed(process, 'scf_not_converged')
    assert process.inspect_process().status == OWN.ERROR_UNRECOVERABLE.status


def test_memory_ladder(chain, failed):
    process = chain()
    seen = []
    for _ in range(3):
        node = failed(process, 'out_of_memory')
        assert process.inspect_process().status == 0
        seen.append(process.ctx.inputs.metadata.options['max_memory_kb'])
        assert process.ctx.inputs.parent_folder.pk == node.outputs.remote_folder.pk
    assert seen == [4_000_000, 8_000_000, 16_000_000]
    failed(process, 'out_of_memory')
    assert process.inspect_process().status == OWN.ERROR_UNRECOVERABLE.status


@pytest.mark.parametrize(('case', 'status'), [('out_of_walltime', None), ('killed', 120)])
def test_interrupted_job_goes_on(chain, failed, case, status):
    process = chain()
    given = process.ctx.inputs.structure
    node = failed(process, case, status)

    assert node.exit_status == FAILURES['out_of_walltime'].status
    assert process.inspect_process().status == 0
    assert process.ctx.inputs.parent_folder.pk == node.outputs.remote_folder.pk
    expected = node.outputs.structure if case == 'killed' else given
    assert process.ctx.inputs.structure.uuid == expected.uuid


def test_geometry_is_continued_then_loosened(chain, failed):
    process = chain()
    for round_ in range(3):
        node = failed(process, 'geometry_not_converged')
        assert process.inspect_process().status == 0
        if round_ == 0:  # the same record again moves nothing
            assert process.ctx.inputs.structure.uuid == node.outputs.structure.uuid
        assert process.ctx.inputs.parent_folder.pk == node.outputs.remote_folder.pk
        assert not process.ctx.inputs.parameters['loose_geometry']
    failed(process, 'geometry_not_converged')
    assert process.inspect_process().status == 0
    assert process.ctx.inputs.parameters['loose_geometry'] is True
    failed(process, 'geometry_not_converged')
    assert process.inspect_process().status == OWN.ERROR_UNRECOVERABLE.status


def test_imaginary_mode_displaces(chain, failed):
    process = chain(AMMONIA, 'frequencies')
    failed(process, 'imaginary_mode')

    assert process.inspect_process().status == 0
    positions = read_structure(process.ctx.inputs.structure)[1]
    assert np.abs(positions[:, 2]).max() == pytest.approx(0.2, abs=1e-6), 'out of the plane'
    assert 'parent_folder' not in process.ctx.inputs, 'its geometry is the one to leave'
    failed(process, 'imaginary_mode')
    assert process.inspect_process().status == 0
    failed(process, 'imaginary_mode')
    assert process.inspect_process().status == OWN.ERROR_UNRECOVERABLE.status


@pytest.mark.parametrize(
    'case', ['wrong_multiplicity', 'unknown_basis', 'unknown_method', 'no_dispersion', 'no_solvent', 'no_executable']
)
def test_what_no_restart_cures_ends_at_once(chain, failed, case):
    process = chain()
    node = failed(process, case)

    exit_code = process.inspect_process()

    assert exit_code.status == OWN.ERROR_UNRECOVERABLE.status
    assert str(node.pk) in exit_code.message
    assert node.exit_message in exit_code.message


def test_results_of_another_molecule_end_at_once(chain, failed):
    process = chain(AMMONIA)
    node = failed(process, 'optimization')
    assert node.exit_status == FAILURES['wrong_molecule'].status
    assert process.inspect_process().status == OWN.ERROR_UNRECOVERABLE.status


@pytest.fixture
def lost(aiida_localhost):
    """Return a function that adds a job that failed without a reason of its own."""

    def add(process, kind):
        node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:osc.psi4').store()
        node.set_exit_status(FAILURES[kind].status)
        node.set_exit_message(kind)
        node.set_process_state(ProcessState.FINISHED)
        process.ctx.iteration += 1
        process.ctx.children.append(node)

    return add


def test_unknown_failure_is_tried_once_more(chain, lost):
    process = chain()
    lost(process, 'output_missing')
    assert process.inspect_process() is None
    lost(process, 'output_missing')
    assert process.inspect_process().status == OWN.ERROR_UNHANDLED_FAILURE.status


def test_crash_leaves_the_orbitals_behind(chain, lost, aiida_localhost):
    process = chain()
    process.ctx.inputs.parent_folder = RemoteData(remote_path='/scratch/x', computer=aiida_localhost).store()
    lost(process, 'crashed')
    assert process.inspect_process().status == 0
    assert 'parent_folder' not in process.ctx.inputs
    lost(process, 'crashed')
    assert process.inspect_process() is None
    lost(process, 'crashed')
    assert process.inspect_process().status == OWN.ERROR_UNHANDLED_FAILURE.status


def test_structure_that_fell_apart_is_not_gone_on_from(chain, failed, monkeypatch):
    process = chain()
    given = process.ctx.inputs.structure
    node = failed(process, 'out_of_walltime')
    apart = structure_from(WATER[0], WATER[1] * [[1], [1], [6]])
    apart.base.links.add_incoming(node, LinkType.CREATE, 'structure')
    apart.store()
    process.restart_from(node, wavefunction=True)
    assert process.ctx.inputs.structure.uuid == given.uuid


def test_refuses_qcschema(code):
    schema = {
        'schema_name': 'qcschema_input',
        'schema_version': 1,
        'driver': 'energy',
        'model': {'method': 'hf', 'basis': 'sto-3g'},
        'molecule': {'symbols': ['He'], 'geometry': [0, 0, 0]},
    }
    with pytest.raises(ValueError, match=r'for osc\.psi4 alone'):
        instantiate_process(
            get_manager().get_runner(), Psi4BaseWorkChain, psi4={'code': code, 'qcschema': Dict(schema)}
        )


def test_inputs_refuse_what_psi4_cannot_do(code):
    with pytest.raises(OscError, match='cannot have multiplicity 2'):
        make_psi4_inputs(code, structure_from(*WATER), Calculation('energy', HF, 0, 2), OPTIONS)
    with pytest.raises(OscError, match='2 fragments'):
        make_psi4_inputs(code, structure_from(('He', 'He'), [[0, 0, 0], [0, 0, 4]]), Calculation('energy', HF), OPTIONS)


@needs_psi4
@pytest.mark.psi4
def test_scf_is_helped(code):
    inputs = make_psi4_inputs(code, structure_from(*WATER), Calculation('energy', HF), OPTIONS)

    outputs, node = run_get_node(Psi4BaseWorkChain, psi4={**inputs, 'settings': Dict({'scf_iterations': 2})})

    assert node.is_finished_ok, node.exit_message
    jobs = sorted(node.called, key=lambda job: job.pk)
    assert [job.exit_status for job in jobs] == [FAILURES['scf_not_converged'].status, 0]
    assert jobs[1].inputs.parameters['scf_help'] == 1
    # Psi4 1.3.2 without help, HF/STO-3G at this geometry.
    assert outputs['results']['properties']['return_energy'] == pytest.approx(-74.963243459, abs=1e-6)


@needs_psi4
@pytest.mark.psi4
def test_planar_ammonia_becomes_a_pyramid(code):
    inputs = make_psi4_inputs(code, structure_from(*AMMONIA), Calculation('frequencies', HF), OPTIONS)

    outputs, node = run_get_node(Psi4BaseWorkChain, psi4=inputs)

    assert node.is_finished_ok, node.exit_message
    jobs = [job for job in sorted(node.called, key=lambda job: job.pk) if isinstance(job, CalcJobNode)]
    assert [job.exit_status for job in jobs] == [FAILURES['imaginary_mode'].status, 0]
    properties = outputs['results']['properties']
    assert min(properties['frequencies']) > 1000
    assert 'imaginary_modes' not in properties
    # HF/STO-3G ammonia is a pyramid of -55.455 hartree (CCCBDB: -55.455420).
    assert properties['return_energy'] == pytest.approx(-55.45542, abs=5e-4)
    positions = read_structure(outputs['structure'])[1]
    assert abs(positions[0, 2] - positions[1:, 2].mean()) > 0.3


@needs_psi4
@pytest.mark.psi4
def test_restart_uses_orbitals_and_geometry_of_the_parent(code):
    """An optimisation of one step, and another job that goes on from its folder."""
    calculation = Calculation('optimization', HF, max_steps=1)
    inputs = make_psi4_inputs(code, structure_from(*WATER), calculation, OPTIONS)
    first, node = run_get_node(Psi4Calculation, **inputs)
    assert node.exit_status == FAILURES['geometry_not_converged'].status

    inputs = make_psi4_inputs(code, structure_from(*WATER), Calculation('optimization', HF), OPTIONS)
    second, node = run_get_node(Psi4Calculation, **inputs, parent_folder=first['remote_folder'])

    assert node.is_finished_ok, node.exit_message
    text = second['retrieved'].base.repository.get_object_content('output.txt')
    assert 'Reading orbitals from file 180' in text
    assert second['results']['properties']['return_energy'] == pytest.approx(-74.9659, abs=2e-4)
    assert json.loads(json.dumps(second['results'].get_dict(), allow_nan=False))
