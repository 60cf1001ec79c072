"""Base work chain of ORCA by aiida-orca's ``orca.orca``, and the inputs of one such job."""

import shlex
from pathlib import PurePosixPath
from typing import Any

from aiida.orm import AbstractCode, Dict, InstalledCode, StructureData
from aiida.plugins import CalculationFactory

from aiida_osc.parsers.orca import PROPERTY_FILE
from aiida_osc.qc.calculation import Calculation
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
from aiida_osc.workflows.base.jobs import copy_orbitals, job_options, job_resources
from aiida_osc.workflows.base.program import ProgramBaseWorkChain

ORBITALS = 'aiida.gbw'
#: Makes an input that asks for orbitals of another run into one that does not.
DO_WITHOUT = "sed -i -e '/Guess MORead/d' -e '/MOInp/d' aiida.inp"


def make_orca_inputs(
    code: AbstractCode, structure: StructureData, calculation: Calculation, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the inputs of ``orca.orca`` for one calculation.

    :param options: ``metadata.options`` of the job; ``%pal`` and ``%maxcore`` follow its resources and memory.
    :raises OscError: when ORCA cannot do it.
    """
    cores, memory_mb = job_resources(code, options)
    return {
        'code': code,
        'structure': structure,
        'parameters': Dict(orca_parameters(calculation, cores=cores, memory_mb=memory_mb)),
        'metadata': {
            'options': job_options(options, 'osc.orca', after=_property_command(code), retrieved=(PROPERTY_FILE,))
        },
    }


def _property_command(code: AbstractCode) -> str:
    """Return the shell text that writes the property file as JSON where ORCA's converter stands beside it."""
    if not isinstance(code, InstalledCode):
        return ''
    tool = shlex.quote(str(PurePosixPath(code.get_executable()).with_name('orca_2json')))
    return f'if command -v {tool} > /dev/null 2>&1; then {tool} aiida -property > /dev/null 2>&1 || true; fi'


class OrcaBaseWorkChain(ProgramBaseWorkChain):
    """Run one calculation with ORCA, and help it through its failures."""

    _process_class: Any = CalculationFactory('orca.orca')
    _namespace = 'orca'
    _structure_label = 'relaxed_structure'
    _remedies = OrcaRemedies()
    _check_parameters = staticmethod(check_orca_parameters)
    _read_basis = staticmethod(read_basis)

    def read_orbitals(self, parameters: dict[str, Any], folder: str | None) -> tuple[dict[str, Any], str]:
        """Return parameters that read the orbitals of ``folder``, or none, and the shell text that copies them."""
        parameters = without_orbitals(parameters)
        if folder is None:
            return parameters, ''
        return with_orbitals(parameters), copy_orbitals(folder, ORBITALS, OLD_ORBITALS, otherwise=DO_WITHOUT)

    def reads_orbitals(self, parameters: dict[str, Any]) -> bool:
        """Return whether the orbitals of another run are read."""
        return reads_orbitals(parameters)
