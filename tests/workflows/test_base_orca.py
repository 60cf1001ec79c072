"""Tests of the base work chain of ORCA: jobs with a stand-in for the program, handlers on fake failed nodes."""

from uuid import uuid4

import pytest
from aiida.common.links import LinkType
from aiida.engine import ProcessState, run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import CalcJobNode, Dict, RemoteData
from orca_setup import OUTPUTS, divinylbenzene, needs_outputs, water, write_program

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation, Model
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.orca_input import read_basis, read_cores, read_maxcore, reads_orbitals
from aiida_osc.workflows.base.jobs import copy_orbitals, validate_molecule_with
from aiida_osc.workflows.base.orca import OrcaBaseWorkChain, make_orca_inputs

#: The level of the recorded water.
SOLVATED = Calculation(model=Model('HF', 'STO-3G', '', epsilon=2.3741))
OPTIMISATION = Calculation(driver='optimization', model=Model('B3LYP', 'STO-3G', ''))
OPTIONS = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2}, 'max_wallclock_seconds': 600}
FOLDERS = (OUTPUTS / 'orca6',)


@pytest.fixture
def orca(aiida_code_installed, tmp_path):
    """Return a factory of codes; the labels differ, as the fixture takes a code of the same label again."""

    def factory(scenario='good', **keywords):
        program = write_program(tmp_path / scenario, FOLDERS, scenario, **keywords)
        return aiida_code_installed(
            label=f'orca-{uuid4()}', default_calc_job_plugin='orca.orca', filepath_executable=str(program)
        )

    return factory


def run(code, structure, calculation, **changes):
    inputs = make_orca_inputs(code, structure, calculation, {**OPTIONS, **changes})
    return run_get_node(OrcaBaseWorkChain, orca=inputs, clean_workdir=False)


def reports(node):
    from aiida.orm import Log

    return ' '.join(entry.message for entry in Log.collection.get_logs_for(node))


@needs_outputs
def test_single_point(orca):
    outputs, node = run(orca(), water(), SOLVATED)

    assert node.is_finished_ok, node.exit_message
    results = outputs['results'].get_dict()
    assert results['properties']['return_energy'] == -74.967672596588  # printed in the recorded output
    assert results['model'] == {'method': 'HF', 'basis': 'STO-3G', 'solvent': 'cpcm(eps=2.3741)'}
    assert 'structure' not in outputs, 'nothing has moved'
    job = node.called[0]
    assert sorted(job.outputs.retrieved.list_object_names()) == [
        '_scheduler-stderr.txt',
        '_scheduler-stdout.txt',
        'aiida.out',
        'job.status',
    ], 'orbitals stay where they are'
    assert job.outputs.retrieved.get_object_content('job.status').strip() == '0'


@needs_outputs
def test_property_file_is_made_where_the_converter_is(orca):
    outputs, node = run(orca(converter=True), water(), SOLVATED)

    assert node.is_finished_ok
    assert 'aiida.property.json' in node.called[0].outputs.retrieved.list_object_names()
    assert 'another run' in outputs['results']['warnings'][0], 'its energy is 1 hartree'


@needs_outputs
def test_scf_is_helped(orca):
    _, node = run(orca('scf'), water(), SOLVATED)

    assert node.is_finished_ok, node.exit_message
    assert [job.exit_status for job in node.called] == [FAILURES['scf_not_converged'].status, 0]
    assert 'SlowConv' in node.called[1].inputs.parameters['extra_input_keywords']
    assert 'damping and a level shift' in reports(node)
    assert not node.called[0].base.caching.is_valid_cache, 'a failure must not be taken for a result'


@needs_outputs
def test_memory_ladder(orca):
    """Two processes with 750 MB each, of which the stand-in wants 1,200: one process with 1,500."""
    _, node = run(orca('memory'), water(), SOLVATED, max_memory_kb=2000 * 1024)

    assert node.is_finished_ok, node.exit_message
    assert [job.exit_status for job in node.called] == [FAILURES['out_of_memory'].status, 0]
    first, second = (job.inputs.parameters.get_dict() for job in node.called)
    assert (read_cores(first), read_maxcore(first)) == (2, 750)
    assert (read_cores(second), read_maxcore(second)) == (1, 1500)


@needs_outputs
def test_interrupted_optimisation_goes_on_from_geometry_and_orbitals(orca):
    outputs, node = run(orca('slow'), divinylbenzene(), OPTIMISATION)

    assert node.is_finished_ok, node.exit_message
    first, second = node.called
    assert first.exit_status == FAILURES['output_truncated'].status
    assert second.inputs.structure.uuid == first.outputs.relaxed_structure.uuid
    assert reads_orbitals(second.inputs.parameters.get_dict())
    assert 'aiida_old.gbw' in second.outputs.remote_folder.listdir()
    assert outputs['structure'].uuid == second.outputs.relaxed_structure.uuid
    # The final position of the first carbon, printed in the recorded output.
    assert outputs['structure'].sites[0].position == pytest.approx((-1.417709, 0.228462, 0), abs=2e-6)


@needs_outputs
def test_spoilt_orbitals_are_left_behind(orca, aiida_localhost, tmp_path):
    (tmp_path / 'aiida.gbw').write_bytes(b'half a file')
    inputs = make_orca_inputs(orca('spoilt'), water(), SOLVATED, OPTIONS)
    chain = instantiate_process(get_manager().get_runner(), OrcaBaseWorkChain, orca=inputs)
    chain.setup()
    chain.restart_from(failed_node(aiida_localhost, 'out_of_walltime', folder=tmp_path), wavefunction=True)
    inputs = {**inputs, 'parameters': chain.ctx.inputs.parameters}
    inputs['metadata'] = {'options': dict(chain.ctx.inputs.metadata.options)}

    _, node = run_get_node(OrcaBaseWorkChain, orca=inputs)

    assert node.is_finished_ok, node.exit_message
    assert [job.exit_status for job in node.called] == [FAILURES['crashed'].status, 0]
    assert not reads_orbitals(node.called[1].inputs.parameters.get_dict())


@needs_outputs
def test_missing_orbitals_are_done_without(orca, aiida_localhost, tmp_path):
    """The job before ended before it wrote any."""
    inputs = make_orca_inputs(orca(), water(), SOLVATED, OPTIONS)
    chain = instantiate_process(get_manager().get_runner(), OrcaBaseWorkChain, orca=inputs)
    chain.setup()
    chain.restart_from(failed_node(aiida_localhost, 'out_of_walltime', folder=tmp_path / 'none'), wavefunction=True)
    inputs = {**inputs, 'parameters': chain.ctx.inputs.parameters}
    inputs['metadata'] = {'options': dict(chain.ctx.inputs.metadata.options)}

    _, node = run_get_node(OrcaBaseWorkChain, orca=inputs)

    assert node.is_finished_ok, node.exit_message
    assert len(node.called) == 1


def test_missing_program(aiida_code_installed):
    code = aiida_code_installed(default_calc_job_plugin='orca.orca', filepath_executable='/nowhere/bin/orca')
    _, node = run(code, water(), SOLVATED)

    assert node.exit_status == OrcaBaseWorkChain.exit_codes.ERROR_UNRECOVERABLE.status
    assert len(node.called) == 1
    assert node.called[0].exit_status == FAILURES['no_executable'].status
    assert '/nowhere/bin/orca' in node.called[0].exit_message


# --- handlers on fake failed nodes


def failed_node(computer, kind, *, folder='/scratch/job', structure=None):
    node = CalcJobNode(computer=computer, process_type='aiida.calculations:orca.orca')
    node.store()
    outputs = {
        'remote_folder': RemoteData(remote_path=str(folder), computer=computer),
        'output_parameters': Dict({'properties': {'imaginary_modes': [[[0.0, 0.0, 1.0], [0.0] * 3, [0.0] * 3]]}}),
    }
    if structure is not None:
        outputs['relaxed_structure'] = structure
    for label, output in outputs.items():
        output.base.links.add_incoming(node, LinkType.CREATE, label)
        output.store()
    node.set_exit_status(FAILURES[kind].status)
    node.set_exit_message('what the job said')
    node.set_process_state(ProcessState.FINISHED)
    return node


@pytest.fixture
def process(aiida_code_installed, tmp_path):
    """Return a work chain after its set-up, with an optimisation by four processes."""
    program = write_program(tmp_path, FOLDERS)
    code = aiida_code_installed(
        label=f'orca-{uuid4()}', default_calc_job_plugin='orca.orca', filepath_executable=str(program)
    )
    options = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 4}, 'prepend_text': 'module load orca'}
    inputs = make_orca_inputs(code, water(), Calculation(driver='optimization'), options)
    chain = instantiate_process(get_manager().get_runner(), OrcaBaseWorkChain, orca=inputs)
    chain.setup()
    chain.ctx.children = []
    return chain


@pytest.fixture
def failed(process, aiida_localhost):
    """Return a function that adds a failed job to the work chain."""

    def add(kind, **keywords):
        node = failed_node(aiida_localhost, kind, **keywords)
        process.ctx.iteration += 1
        process.ctx.children.append(node)
        return node

    return add


def scf_block(process):
    return process.ctx.inputs.parameters['input_blocks'].get('scf', {})


def test_ladder_of_the_scf(process, failed):
    words = []
    for _ in range(4):
        failed('scf_not_converged')
        assert process.inspect_process().status == 0
        words.append((process.ctx.inputs.parameters['extra_input_keywords'][0], scf_block(process).get('Guess')))
    assert words == [('SlowConv', None), ('SlowConv', None), ('SlowConv', 'PAtom'), ('VerySlowConv', 'HCore')]

    failed('scf_not_converged')

    assert process.inspect_process().status == OrcaBaseWorkChain.exit_codes.ERROR_UNRECOVERABLE.status


def test_ladder_of_memory(process, failed):
    seen = []
    for _ in range(4):
        failed('out_of_memory')
        assert process.inspect_process().status == 0
        parameters = process.ctx.inputs.parameters.get_dict()
        seen.append((read_cores(parameters), read_maxcore(parameters)))
    assert seen == [(2, 3000), (1, 6000), (1, 12000), (1, 24000)]
    assert process.ctx.inputs.metadata.options['resources']['num_mpiprocs_per_machine'] == 4, 'the places stay'


@pytest.mark.parametrize('kind', ['out_of_walltime', 'output_truncated'])
def test_interrupted_job_hands_over_structure_and_orbitals(process, failed, kind):
    moved = water()
    failed(kind, folder="/scratch/it's here", structure=moved)

    assert process.inspect_process().status == 0
    assert process.ctx.inputs.structure.uuid == moved.uuid
    assert scf_block(process) == {'Guess': 'MORead', 'MOInp': '"aiida_old.gbw"'}
    prepended = process.ctx.inputs.metadata.options['prepend_text']
    assert prepended.startswith('module load orca\n')
    assert """cp -- '/scratch/it'"'"'s here/aiida.gbw' aiida_old.gbw""" in prepended


def test_orbitals_are_copied_from_the_last_job_only(process, failed):
    failed('out_of_walltime', folder='/scratch/one')
    process.inspect_process()
    failed('out_of_walltime', folder='/scratch/two')
    process.inspect_process()
    assert '/scratch/one' not in process.ctx.inputs.metadata.options['prepend_text']
    assert process.ctx.inputs.metadata.options['prepend_text'].count('/scratch/two') == 2  # looked for, copied

    failed('scf_not_converged')
    process.inspect_process()

    assert 'aiida_old.gbw' not in process.ctx.inputs.metadata.options['prepend_text']
    assert 'MOInp' not in scf_block(process), 'those of an SCF that failed are of no use'


def test_geometry_is_continued_and_then_loosened(process, failed):
    for _ in range(3):
        failed('geometry_not_converged')
        assert process.inspect_process().status == 0
        assert 'Opt' in process.ctx.inputs.parameters['input_keywords']
    failed('geometry_not_converged')
    assert process.inspect_process().status == 0
    assert 'LooseOpt' in process.ctx.inputs.parameters['input_keywords']
    failed('geometry_not_converged')
    assert process.inspect_process().status == OrcaBaseWorkChain.exit_codes.ERROR_UNRECOVERABLE.status


def test_imaginary_mode_displaces(process, failed):
    before = process.ctx.inputs.structure.sites[0].position
    failed('imaginary_mode')

    assert process.inspect_process().status == 0
    after = process.ctx.inputs.structure.sites[0].position
    assert after[2] - before[2] == pytest.approx(0.2)


@pytest.mark.parametrize(
    'kind',
    ['input_refused', 'wrong_multiplicity', 'basis_missing', 'atoms_too_close', 'no_executable', 'wrong_molecule'],
)
def test_what_no_restart_cures_ends_at_once(process, failed, kind):
    node = failed(kind)

    exit_code = process.inspect_process()

    assert exit_code.status == OrcaBaseWorkChain.exit_codes.ERROR_UNRECOVERABLE.status
    assert str(node.pk) in exit_code.message


def test_crash_is_tried_once_more(process, failed):
    failed('crashed')
    assert process.inspect_process() is None
    failed('crashed')
    assert process.inspect_process().status == OrcaBaseWorkChain.exit_codes.ERROR_UNHANDLED_FAILURE.status


# --- inputs


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'multiplicity': 2}, 'multiplicity 2'),
        ({'charge': 20}, 'electrons'),
        ({'multiplicity': 'one'}, 'whole number'),
        ({'input_keywords': ['HF', 'STO-3G\n%output']}, 'no keyword'),
        ({'input_keywords': ['%maxcore', '9']}, 'no keyword'),
        ({'input_blocks': {'method': {'a': 1}}}, 'unknown block'),
        ({'input_blocks': {'scf': {'MaxIter': '9\nend\n%x'}}}, 'words and numbers'),
    ],
)
def test_inputs_that_are_refused(orca, change, words):
    inputs = make_orca_inputs(orca(), water(), SOLVATED, OPTIONS)
    inputs['parameters'] = Dict({**inputs['parameters'].get_dict(), **change})

    with pytest.raises(ValueError, match=words):
        run_get_node(OrcaBaseWorkChain, orca=inputs)


def test_element_without_basis_is_refused():
    from aiida_osc.calculations.structures import structure_from

    parameters = Dict({'charge': 0, 'multiplicity': 1, 'input_keywords': ['RHF', '6-31G*']})
    iodine = structure_from(['I', 'I'], [[0, 0, 0], [0, 0, 2.66]])

    complaint = validate_molecule_with(read_basis)({'structure': iodine, 'parameters': parameters}, None)

    assert '6-31G* has no functions for the element of number 53' in complaint


def test_cartesian_functions_are_refused(orca):
    with pytest.raises(OscError, match='spherical'):
        make_orca_inputs(orca(), water(), Calculation(model=Model(basis='6-31G*', cartesian=True)), OPTIONS)


def test_options_of_a_job(orca):
    inputs = make_orca_inputs(orca(), water(), SOLVATED, {**OPTIONS, 'append_text': 'echo over'})
    options = inputs['metadata']['options']

    assert options['parser_name'] == 'osc.orca'
    assert options['withmpi'] is False
    lines = options['append_text'].splitlines()
    assert lines[0].startswith('osc_status=$?'), 'nothing may come between the program and its exit status'
    assert lines[-1] == 'echo over'
    assert 'orca_2json aiida -property' in options['append_text']
    assert (
        copy_orbitals('/a b', 'x', 'y', otherwise='true').splitlines()[1]
        == "[ -s '/a b/x' ] && cp -- '/a b/x' y || true"
    )
