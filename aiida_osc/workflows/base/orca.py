"""Base work chain of ORCA by aiida-orca's ``orca.orca``, and the inputs of one such job."""

import shlex
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from aiida.common import AttributeDict
from aiida.engine import ProcessHandlerReport, process_handler
from aiida.orm import AbstractCode, CalcJobNode, Dict, InstalledCode, StructureData
from aiida.plugins import CalculationFactory
from ase.data import atomic_numbers

from aiida_osc.calculations import launch_lock
from aiida_osc.calculations.fourpoint_batch import count_cores
from aiida_osc.calculations.structures import read_structure
from aiida_osc.errors import OscError
from aiida_osc.parsers.orca import PROPERTY_FILE
from aiida_osc.qc.calculation import Calculation, check_electrons
from aiida_osc.qc.methods import check_basis
from aiida_osc.qc.orca_input import (
    OLD_ORBITALS,
    OrcaRemedies,
    check_orca_parameters,
    orca_parameters,
    read_basis,
    reads_orbitals,
    with_orbitals,
    without_orbitals,
)
from aiida_osc.workflows.base.engine import CODES, EngineBaseWorkChain

INPUT_FILE, ORBITALS = 'aiida.inp', 'aiida.gbw'
#: Memory of each process where the options set no limit, in MB.
DEFAULT_MEMORY_MB = 2000
RETRIEVED = (launch_lock.STATUS_FILE, PROPERTY_FILE)
ORBITALS_HEADER = '# --- orbitals of the job before; without them the usual guess'
#: How often orbitals that may be spoilt are left behind.
WITHOUT_ORBITALS = 1


def validate_parameters(node: Dict, _) -> str | None:
    """Return why the parameters are unusable, None when they are fine."""
    try:
        check_orca_parameters(node.get_dict())
    except OscError as exception:
        return str(exception)
    return None


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why structure and parameters do not fit together, None when they do."""
    if 'structure' not in inputs or 'parameters' not in inputs:
        return None
    parameters = inputs['parameters'].get_dict()
    try:
        numbers = tuple(atomic_numbers[symbol] for symbol in read_structure(inputs['structure'])[0])
        check_electrons(sum(numbers), parameters['charge'], parameters['multiplicity'])
        basis = read_basis(parameters)
        if basis:
            check_basis(basis, numbers)
    except OscError as exception:
        return str(exception)
    return None


def both(first: Callable | None, second: Callable) -> Callable:
    """Return a validator of a namespace that answers with the first complaint."""
    return lambda value, ctx: (first(value, ctx) if first else None) or second(value, ctx)


def make_orca_inputs(
    code: AbstractCode, structure: StructureData, calculation: Calculation, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the inputs of ``orca.orca`` for one calculation.

    :param options: ``metadata.options`` of the job; ``%pal`` and ``%maxcore`` follow its resources and memory.
    :raises OscError: when ORCA cannot do it.
    """
    resources, computer = options.get('resources', {}), code.computer
    cores = count_cores(resources, computer.get_default_mpiprocs_per_machine() if computer else None)
    cores *= int(resources.get('num_machines') or 1)
    memory_kb = options.get('max_memory_kb')
    memory_mb = memory_kb // 1024 if memory_kb else DEFAULT_MEMORY_MB * cores
    parameters = orca_parameters(calculation, cores=cores, memory_mb=memory_mb)
    return {
        'code': code,
        'structure': structure,
        'parameters': Dict(parameters),
        'metadata': {'options': job_options(code, options)},
    }


def job_options(code: AbstractCode, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with our parser, the launch lock, and what is to be retrieved besides the output."""
    return {
        **options,
        'parser_name': 'osc.orca',
        'withmpi': False,
        'prepend_text': _joined(options.get('prepend_text'), launch_lock.PREPEND),
        'append_text': _joined(launch_lock.APPEND, _property_command(code), options.get('append_text')),
        'additional_retrieve_list': [*RETRIEVED, *options.get('additional_retrieve_list', [])],
    }


def _property_command(code: AbstractCode) -> str:
    """Return the shell text that writes the property file as JSON where ORCA's converter stands beside it."""
    if not isinstance(code, InstalledCode):
        return ''
    program = PurePosixPath(code.get_executable()).with_name('orca_2json')
    tool = shlex.quote(str(program))
    return f'if command -v {tool} > /dev/null 2>&1; then {tool} aiida -property > /dev/null 2>&1 || true; fi'


def _joined(*texts: str | None) -> str:
    return '\n'.join(text for text in texts if text)


class OrcaBaseWorkChain(EngineBaseWorkChain):
    """Run one calculation with ORCA, and help it through its failures."""

    _process_class: Any = CalculationFactory('orca.orca')
    _namespace = 'orca'
    _remedies = OrcaRemedies()

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        spec.inputs['orca']['parameters'].validator = validate_parameters
        spec.inputs['orca'].validator = both(spec.inputs['orca'].validator, validate_inputs)
        spec.inputs['orca']['code'].required = True

    def get_outputs(self, node: CalcJobNode) -> dict[str, Any]:
        """Return the outputs of a job under the names of this work chain."""
        names = {'results': 'output_parameters', 'structure': 'relaxed_structure', 'remote_folder': 'remote_folder'}
        return {name: node.outputs[label] for name, label in names.items() if label in node.outputs}

    def restart_from(self, node: CalcJobNode, *, wavefunction: bool) -> None:
        """Let the next job start from the last structure of ``node``, and from its orbitals where wanted.

        The orbitals are large and stay on the computer: the next job copies them there.
        """
        outputs, inputs = self.get_outputs(node), self.ctx.inputs
        inputs.structure = outputs.get('structure', inputs.structure)
        parameters, copy = without_orbitals(inputs.parameters.get_dict()), ''
        if wavefunction and 'remote_folder' in outputs:
            parameters = with_orbitals(parameters)
            copy = copy_orbitals(outputs['remote_folder'].get_remote_path())
        inputs.parameters = Dict(parameters)
        options = dict(inputs.metadata.options)
        own = options.get('prepend_text', '').split(ORBITALS_HEADER)[0].rstrip('\n')
        options['prepend_text'] = _joined(own, copy)
        inputs.metadata.options = AttributeDict(options)

    @process_handler(priority=450, exit_codes=[CODES['crashed']])
    def handle_spoilt_orbitals(self, node: CalcJobNode) -> ProcessHandlerReport | None:
        """Leave the orbitals of the job before behind: a file that was cut makes ORCA crash."""
        if not reads_orbitals(self.ctx.inputs.parameters.get_dict()) or self._count('spoilt') > WITHOUT_ORBITALS:
            return None
        self.restart_from(node, wavefunction=False)
        return self._again(node, 'it crashed with the orbitals of the job before; now without them')


def copy_orbitals(folder: str) -> str:
    """Return the shell text that copies orbitals from another job's folder, and does without when there are none."""
    source = shlex.quote(str(PurePosixPath(folder) / ORBITALS))
    without = f"sed -i -e '/Guess MORead/d' -e '/MOInp/d' {INPUT_FILE}"
    return f'{ORBITALS_HEADER}\n[ -s {source} ] && cp -- {source} {OLD_ORBITALS} || {without}'
