"""Tests of the base work chain of Gaussian: a job that replays a short output, restarts, and the missing plugin."""

import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from aiida.common.exceptions import MissingEntryPointError
from aiida.common.links import LinkType
from aiida.engine import ProcessState, run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm import CalcJobNode, RemoteData

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.failures import FAILURES

pytest.importorskip('aiida_gaussian', reason='aiida-gaussian is not installed')

from orca_setup import water

from aiida_osc.workflows.base import gaussian
from aiida_osc.workflows.base.gaussian import GaussianBaseWorkChain, make_gaussian_inputs

sys.path.append(str(Path(__file__).parents[1] / 'qc'))
from gaussian_files import short_gaussian

OPTIONS = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2}, 'max_wallclock_seconds': 600}


@pytest.fixture
def code(aiida_code_installed, tmp_path):
    """Return a code that prints a good output, but a failed SCF until the route asks for a level shift."""
    failure = ' Convergence failure -- run terminated.\n Error termination via Lnk1e in /opt/g16/l502.exe at now.\n'
    (tmp_path / 'good').write_text(short_gaussian())
    (tmp_path / 'failed').write_text(short_gaussian(end=failure))
    program = tmp_path / 'g16'
    program.write_text(f'#!/bin/sh\nif grep -q VShift; then cat "{tmp_path}/good"; else cat "{tmp_path}/failed"; fi\n')
    os.chmod(program, 0o755)
    return aiida_code_installed(
        label=f'g16-{uuid4()}', default_calc_job_plugin='gaussian', filepath_executable=str(program)
    )


def test_scf_is_helped(code):
    inputs = make_gaussian_inputs(code, water(), Calculation(), OPTIONS)

    outputs, node = run_get_node(GaussianBaseWorkChain, gaussian=inputs)

    assert node.is_finished_ok, node.exit_message
    assert [job.exit_status for job in node.called] == [FAILURES['scf_not_converged'].status, 0]
    assert outputs['results']['properties']['return_energy'] == -76.358
    assert node.called[0].inputs.parameters['link0_parameters'] == {
        '%chk': 'aiida.chk',
        '%mem': '3000MB',
        '%nprocshared': '2',
    }


def test_interrupted_job_hands_over_structure_and_checkpoint(code, aiida_localhost):
    inputs = make_gaussian_inputs(code, water(), Calculation(driver='optimization'), OPTIONS)
    chain = instantiate_process(get_manager().get_runner(), GaussianBaseWorkChain, gaussian=inputs)
    chain.setup()
    node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:gaussian').store()
    moved = water()
    folder = RemoteData(remote_path='/scratch/a b', computer=aiida_localhost)
    for label, output in {'remote_folder': folder, 'output_structure': moved}.items():
        output.base.links.add_incoming(node, LinkType.CREATE, label)
        output.store()
    node.set_exit_status(FAILURES['out_of_walltime'].status)
    node.set_process_state(ProcessState.FINISHED)
    chain.ctx.iteration, chain.ctx.children = 1, [node]

    assert chain.inspect_process().status == 0
    assert chain.ctx.inputs.structure.uuid == moved.uuid
    assert chain.ctx.inputs.parameters['route_parameters']['Guess'] == 'Read'
    assert chain.ctx.inputs.parameters['link0_parameters']['%oldchk'] == 'aiida_old.chk'
    assert "cp -- '/scratch/a b/aiida.chk' aiida_old.chk" in chain.ctx.inputs.metadata.options['prepend_text']


def test_several_machines_are_refused(code):
    with pytest.raises(OscError, match='one machine'):
        make_gaussian_inputs(code, water(), Calculation(), {'resources': {'num_machines': 2}})


def test_contradiction_is_refused(code):
    inputs = make_gaussian_inputs(code, water(), Calculation(multiplicity=2), OPTIONS)
    with pytest.raises(ValueError, match='cannot have multiplicity 2'):
        run_get_node(GaussianBaseWorkChain, gaussian=inputs)


def test_missing_plugin_says_what_to_install(monkeypatch):
    def missing(name):
        raise MissingEntryPointError(name)

    monkeypatch.setattr(gaussian, 'CalculationFactory', missing)
    with pytest.raises(OscError, match=r'pip install aiida-osc\[gaussian\]'):
        gaussian.load_plugin()
