"""Base work chain of Gaussian by the plugin aiida-gaussian, which is an extra, and the inputs of one such job."""

from typing import Any

from aiida.common.exceptions import EntryPointError
from aiida.orm import AbstractCode, Dict, StructureData
from aiida.plugins import CalculationFactory

from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.gaussian_input import (
    CHECKPOINT,
    OLD_CHECKPOINT,
    GaussianRemedies,
    check_gaussian_parameters,
    gaussian_parameters,
    read_basis,
    reads_orbitals,
    with_orbitals,
    without_orbitals,
)
from aiida_osc.workflows.base.jobs import copy_orbitals, job_options, job_resources
from aiida_osc.workflows.base.program import ProgramBaseWorkChain

PLUGIN_MISSING = 'the plugin of Gaussian is not installed: pip install aiida-osc[gaussian], then restart the daemon'
#: Makes an input that asks for orbitals of another run into one that does not.
DO_WITHOUT = "sed -i -e '/^%oldchk/Id' -e 's/ Guess=Read//I' aiida.inp"


def load_plugin() -> Any:
    """Return the CalcJob of the plugin.

    :raises OscError: when it is not installed.
    """
    try:
        return CalculationFactory('gaussian')
    except EntryPointError as exception:
        raise OscError(PLUGIN_MISSING) from exception


def make_gaussian_inputs(
    code: AbstractCode, structure: StructureData, calculation: Calculation, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the inputs of ``gaussian`` for one calculation.

    :param options: ``metadata.options`` of the job; ``%nprocshared`` and ``%mem`` follow its resources and memory.
    :raises OscError: when Gaussian cannot do it.
    """
    cores, memory_mb = job_resources(code, options)
    if int(options.get('resources', {}).get('num_machines') or 1) != 1:
        raise OscError('gaussian works on one machine: set num_machines to 1')
    return {
        'code': code,
        'structure': structure,
        'parameters': Dict(gaussian_parameters(calculation, cores=cores, memory_mb=memory_mb)),
        'metadata': {'options': job_options(options, 'osc.gaussian')},
    }


class GaussianBaseWorkChain(ProgramBaseWorkChain):
    """Run one calculation with Gaussian, and help it through its failures."""

    _process_class: Any = load_plugin()
    _namespace = 'gaussian'
    _structure_label = 'output_structure'
    _remedies = GaussianRemedies()
    _check_parameters = staticmethod(check_gaussian_parameters)
    _read_basis = staticmethod(read_basis)

    def read_orbitals(self, parameters: dict[str, Any], folder: str | None) -> tuple[dict[str, Any], str]:
        """Return parameters that read the orbitals of ``folder``, or none, and the shell text that copies them."""
        parameters = without_orbitals(parameters)
        if folder is None:
            return parameters, ''
        return with_orbitals(parameters), copy_orbitals(folder, CHECKPOINT, OLD_CHECKPOINT, otherwise=DO_WITHOUT)

    def reads_orbitals(self, parameters: dict[str, Any]) -> bool:
        """Return whether the orbitals of another run are read."""
        return reads_orbitals(parameters)
