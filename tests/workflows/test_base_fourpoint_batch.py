"""Tests of the base work chain of the four-point batch job: handlers on fake nodes, and a job that is interrupted."""

import sys

import pytest
from aiida.common.links import LinkType
from aiida.engine import ProcessState, run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import CalcJobNode, Dict, InstalledCode, RemoteData, Str

from aiida_osc.calculations.fourpoint_batch import FourPointBatchCalculation
from aiida_osc.chem.molecules import standardise
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.workflows.base.fourpoint_batch import FourPointBatchBaseWorkChain, works_on_several

CALC = FourPointBatchCalculation.exit_codes
OWN = FourPointBatchBaseWorkChain.exit_codes
SMILES = ('c1ccsc1', 'c1ccoc1', 'c1cc[nH]c1')


def molecule_set():
    molecules = [standardise(item) for item in SMILES]
    keys = tuple(item.inchikey for item in molecules)
    return MoleculeSetData(MoleculeTable(tuple(m.smiles for m in molecules), keys, ('seed',) * len(keys)))


@pytest.fixture
def process(aiida_code_installed):
    """Return a work chain after its set-up."""
    code = aiida_code_installed(filepath_executable=sys.executable)
    options = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 4}}
    batch = {'code': code, 'molecules': molecule_set(), 'metadata': {'options': options}}
    chain = instantiate_process(get_manager().get_runner(), FourPointBatchBaseWorkChain, batch=batch)
    chain.setup()
    chain.ctx.children = []
    return chain


@pytest.fixture
def failed(process, aiida_localhost):
    """Return a function that adds a failed job to the work chain."""

    def add(exit_code, finished=None):
        node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:osc.fourpoint_batch')
        node.store()
        outputs = {'remote_folder': RemoteData(remote_path=f'/scratch/{node.pk}', computer=aiida_localhost)}
        if finished is not None:
            outputs['results'] = Dict({'total': finished, 'ok': finished})
            outputs['labels'] = MoleculeSetData(molecule_set().load().take(range(finished)))
            outputs['geometries'] = GeometrySetData(GeometryTable([], 'GFN2-xTB'))
        for label, output in outputs.items():
            output.base.links.add_incoming(node, LinkType.CREATE, label)
            output.store()
        node.set_exit_status(exit_code.status)
        node.set_exit_message('what the job said')
        node.set_process_state(ProcessState.FINISHED)
        process.ctx.iteration += 1
        process.ctx.children.append(node)
        return node

    return add


@pytest.mark.parametrize('code', [CALC.ERROR_INTERRUPTED, CALC.ERROR_OUT_OF_WALLTIME])
def test_interrupted_job_goes_on_from_its_folder(process, failed, code):
    node = failed(code, finished=2)

    assert process.inspect_process().status == 0
    assert process.ctx.inputs.parent_folder.pk == node.outputs.remote_folder.pk
    assert process.ctx.inputs.metadata.options.resources['num_mpiprocs_per_machine'] == 4
    assert not process.ctx.is_finished


def test_each_job_must_finish_another_molecule(process, failed):
    failed(CALC.ERROR_INTERRUPTED, finished=1)
    assert process.inspect_process().status == 0
    failed(CALC.ERROR_INTERRUPTED, finished=2)
    assert process.inspect_process().status == 0
    node = failed(CALC.ERROR_INTERRUPTED, finished=2)

    exit_code = process.inspect_process()

    assert exit_code.status == OWN.ERROR_NO_PROGRESS.status
    assert f'Job {node.pk}' in exit_code.message
    assert process.outputs['labels'].count == 2, 'what was finished is handed out'
    assert process.outputs['results']['total'] == 2


def test_first_job_without_a_molecule_gets_a_second_chance(process, failed):
    node = failed(CALC.ERROR_INTERRUPTED_EARLY)
    assert process.inspect_process().status == 0
    assert process.ctx.inputs.parent_folder.pk == node.outputs.remote_folder.pk
    failed(CALC.ERROR_INTERRUPTED_EARLY)
    assert process.inspect_process().status == OWN.ERROR_NO_PROGRESS.status


def test_lack_of_memory_halves_the_cores(process, failed):
    failed(CALC.ERROR_OUT_OF_MEMORY, finished=1)

    assert process.inspect_process().status == 0
    assert process.ctx.inputs.metadata.options.resources == {'num_machines': 1, 'num_mpiprocs_per_machine': 2}
    assert 'parent_folder' in process.ctx.inputs


def test_lack_of_memory_halves_the_cores_of_the_computer(process, failed, aiida_localhost):
    aiida_localhost.set_default_mpiprocs_per_machine(6)
    process.ctx.inputs.metadata.options.resources = {'num_machines': 1}
    failed(CALC.ERROR_OUT_OF_MEMORY, finished=1)

    process.inspect_process()

    aiida_localhost.set_default_mpiprocs_per_machine(1)
    assert process.ctx.inputs.metadata.options.resources == {'num_machines': 1, 'num_mpiprocs_per_machine': 3}


def test_lack_of_memory_of_one_molecule_at_a_time_doubles_the_memory(process, failed):
    """PySCF gives all cores to one molecule: fewer cores would not save memory."""
    process.ctx.inputs.parameters = Dict({'engine': 'pyscf', 'energy': {'method': 'PBE', 'dispersion': ''}})
    process.ctx.inputs.metadata.options['max_memory_kb'] = 4_000_000
    failed(CALC.ERROR_OUT_OF_MEMORY, finished=1)

    assert process.inspect_process().status == 0
    options = process.ctx.inputs.metadata.options
    assert (options.max_memory_kb, options.resources['num_mpiprocs_per_machine']) == (8_000_000, 4)


@pytest.mark.parametrize(
    ('parameters', 'cores', 'several'),
    [
        ({}, 4, True),
        ({}, 1, False),
        ({'engine': 'pyscf'}, 4, False),
        ({'engine': 'pyscf', 'settings': {'threads': 2}}, 4, True),
        ({'engine': 'pyscf', 'settings': {'threads': 4}}, 4, False),
    ],
)
def test_several_molecules_at_a_time(parameters, cores, several):
    assert works_on_several(parameters, cores) is several


@pytest.mark.parametrize(
    'code', [CALC.ERROR_ENGINE_MISSING, CALC.ERROR_NO_EXECUTABLE, CALC.ERROR_INPUT_REFUSED], ids=lambda c: str(c.status)
)
def test_what_no_restart_cures_ends_at_once(process, failed, code):
    node = failed(code)

    exit_code = process.inspect_process()

    assert exit_code.status == OWN.ERROR_UNRECOVERABLE.status
    assert str(node.pk) in exit_code.message
    assert 'what the job said' in exit_code.message


def test_unknown_failure_is_tried_once_more(process, failed):
    assert process.inputs.on_unhandled_failure == Str('restart_once')
    failed(CALC.ERROR_NO_RESULTS)
    assert process.inspect_process() is None
    failed(CALC.ERROR_NO_RESULTS)
    assert process.inspect_process().status == OWN.ERROR_UNHANDLED_FAILURE.status


def test_killed_job_leaves_the_molecules_of_the_one_before(process, failed):
    failed(CALC.ERROR_INTERRUPTED, finished=1)
    process.inspect_process()
    node = failed(CALC.ERROR_INTERRUPTED)
    node.set_process_state(ProcessState.KILLED)

    assert process.inspect_process().status == OWN.ERROR_SUB_PROCESS_KILLED.status
    assert process.outputs['labels'].count == 1


def test_submitted_job_is_found_again(process, aiida_localhost):
    """A worker lost between submission and checkpoint: the step runs again and must not submit again."""
    node = CalcJobNode(computer=aiida_localhost)
    process.node.store()
    node.base.links.add_incoming(process.node, LinkType.CALL_CALC, 'iteration_01')
    node.store()
    node.set_checkpoint('state')

    awaitables = process.run_process()

    assert awaitables['children'].pk == node.pk
    assert process.ctx.iteration == 1


WRAPPER = """#!/bin/bash
lines() {{ cat results.jsonl 2>/dev/null | wc -l; }}
before=$(lines)
{python} "$@" &
runner=$!
while kill -0 $runner 2>/dev/null && [ "$(lines)" -le "$before" ]; do sleep 0.02; done
kill $runner 2>/dev/null
wait $runner
"""


@pytest.mark.xtb
def test_interrupted_after_every_molecule(aiida_localhost, tmp_path):
    """Each job is ended after its first molecule: three jobs, and no molecule twice."""
    script = tmp_path / 'impatient'
    script.write_text(WRAPPER.format(python=sys.executable))
    script.chmod(0o755)
    code = InstalledCode(label='impatient', computer=aiida_localhost, filepath_executable=str(script)).store()

    outputs, node = run_get_node(FourPointBatchBaseWorkChain, batch={'code': code, 'molecules': molecule_set()})

    assert node.is_finished_ok, node.exit_message
    assert sorted(outputs['labels'].load().smiles) == sorted(SMILES)
    assert outputs['geometries'].count == 9
    jobs = sorted((child for child in node.called if isinstance(child, CalcJobNode)), key=lambda job: job.pk)
    assert len(jobs) >= 2
    assert all(job.exit_status == CALC.ERROR_INTERRUPTED.status for job in jobs[:-1])
    assert [job.outputs.results['total'] for job in jobs] == sorted({job.outputs.results['total'] for job in jobs})
    lines = jobs[-1].outputs.retrieved.base.repository.get_object_content('results.jsonl').splitlines()
    assert len(lines) == len(SMILES)
    assert jobs[1].inputs.parent_folder.pk == jobs[0].outputs.remote_folder.pk


@pytest.mark.pyscf
def test_density_functional_labels_through_a_job(aiida_code_installed):
    """The same job with PySCF: labels at its own level, none at that of xTB."""
    ethylene = standardise('C=C')
    molecules = MoleculeSetData(MoleculeTable((ethylene.smiles,), (ethylene.inchikey,), ('seed',)))
    parameters = {
        'engine': 'pyscf',
        'energy': {'method': 'PBE', 'basis': 'STO-3G', 'dispersion': 'D3BJ'},
        'settings': {'grid_level': 0, 'polarizability': False},
    }
    batch = {
        'code': aiida_code_installed(filepath_executable=sys.executable),
        'molecules': molecules,
        'parameters': Dict(parameters),
    }

    outputs, node = run_get_node(FourPointBatchBaseWorkChain, batch=batch)

    assert node.is_finished_ok, node.exit_message
    labels = outputs['labels'].load()
    assert {column.level for column in labels.columns} == {'PBE-D3BJ/STO-3G//GFN2-xTB'}
    column = next(column for column in labels.columns if column.target == 'ie_vertical')
    # Vertical IE of ethylene 10.68 eV (NIST); PBE in this small basis is some eV lower.
    assert 6.0 < labels.values(column)[0] < 10.68
    assert outputs['geometries'].base.attributes.get('level') == 'GFN2-xTB'
