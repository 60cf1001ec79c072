"""Base work chain of Psi4, and the inputs of one such job."""

from typing import Any

from aiida.engine import ProcessHandlerReport, process_handler
from aiida.orm import AbstractCode, CalcJobNode, Dict, StructureData

from aiida_osc.calculations.psi4 import Psi4Calculation
from aiida_osc.calculations.structures import read_structure
from aiida_osc.calculations.validation import first_complaint
from aiida_osc.errors import OscError
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.geometry_checks import check_geometry
from aiida_osc.qc.psi4_input import Psi4Remedies, check_psi4
from aiida_osc.workflows.base.engine import CODES, EngineBaseWorkChain

OUTPUTS = ('results', 'structure', 'remote_folder')


def make_psi4_inputs(
    code: AbstractCode, structure: StructureData, calculation: Calculation, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the inputs of ``osc.psi4`` for one calculation.

    :param options: ``metadata.options`` of the job; threads and memory follow its resources and memory.
    :raises OscError: when Psi4 cannot do it.
    """
    symbols, positions = read_structure(structure)
    check_geometry(symbols, positions)
    check_psi4(calculation, symbols, positions)
    return {
        'code': code,
        'structure': structure,
        'parameters': Dict(calculation.to_dict()),
        'metadata': {'options': {'withmpi': False, **options}},
    }


def validate_namespace(inputs: dict, _) -> str | None:
    """Return why the inputs are unusable, None when they are fine."""
    if 'qcschema' in inputs:
        return 'qcschema is for osc.psi4 alone: give parameters and structure, which can be changed for a restart'
    return None


class Psi4BaseWorkChain(EngineBaseWorkChain):
    """Run one calculation with Psi4, and help it through its failures."""

    _process_class: Any = Psi4Calculation
    _namespace = 'psi4'
    _remedies = Psi4Remedies()

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        spec.inputs['psi4'].validator = first_complaint(validate_namespace, spec.inputs['psi4'].validator)

    def get_outputs(self, node: CalcJobNode) -> dict[str, Any]:
        """Return the outputs of a job under the names of this work chain."""
        return {name: node.outputs[name] for name in OUTPUTS if name in node.outputs}

    def restart_from(self, node: CalcJobNode, *, wavefunction: bool) -> None:
        """Let the next job start from the last structure of ``node``, and from its orbitals where wanted."""
        outputs, inputs = self.get_outputs(node), self.ctx.inputs
        if 'structure' in outputs and _is_usable(outputs['structure']):
            inputs.structure = outputs['structure']
        inputs.pop('parent_folder', None)
        if wavefunction and 'remote_folder' in outputs:
            inputs.parent_folder = outputs['remote_folder']

    @process_handler(priority=470, exit_codes=[CODES['imaginary_mode']])
    def handle_displaced_orbitals(self, node: CalcJobNode) -> None:
        """Leave the folder of the job before behind: an optimisation would go on from its geometry."""
        self.ctx.inputs.pop('parent_folder', None)

    @process_handler(priority=450, exit_codes=[CODES['crashed']])
    def handle_spoilt_orbitals(self, node: CalcJobNode) -> ProcessHandlerReport | None:
        """Leave the orbitals of the job before behind: a file that was cut makes Psi4 crash."""
        if 'parent_folder' not in self.ctx.inputs:
            return None
        self.restart_from(node, wavefunction=False)
        return self._again(node, 'it crashed with the orbitals of the job before; now without them')


def _is_usable(structure: StructureData) -> bool:
    """Return whether a job would take the structure; one that fell apart is not gone on from."""
    try:
        check_geometry(*read_structure(structure))
    except OscError:
        return False
    return True
