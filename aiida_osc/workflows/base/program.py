"""Base work chain of programs with a plugin of their own, whose orbitals are handed on by a copy on the computer."""

from abc import abstractmethod
from typing import Any, ClassVar

from aiida.common import AttributeDict
from aiida.engine import ProcessHandlerReport, process_handler
from aiida.orm import CalcJobNode, Dict

from aiida_osc.calculations.validation import first_complaint
from aiida_osc.workflows.base.engine import CODES, EngineBaseWorkChain
from aiida_osc.workflows.base.jobs import validate_molecule_with, validate_with, with_orbitals_copied

#: How often orbitals that may be spoilt are left behind.
WITHOUT_ORBITALS = 1


class ProgramBaseWorkChain(EngineBaseWorkChain):
    """Run one calculation with a program, and help it through its failures."""

    #: Set by the program: label of the optimised structure, and pure functions of the parameters, the first of which
    #: raises an error when something is wrong, while the second returns the basis.
    _structure_label: ClassVar[str]
    _check_parameters: ClassVar[Any]
    _read_basis: ClassVar[Any]

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        namespace = spec.inputs[cls._namespace]
        namespace['parameters'].validator = validate_with(cls._check_parameters)
        namespace.validator = first_complaint(namespace.validator, validate_molecule_with(cls._read_basis))
        namespace['code'].required = True

    @abstractmethod
    def read_orbitals(self, parameters: dict[str, Any], folder: str | None) -> tuple[dict[str, Any], str]:
        """Return parameters that read the orbitals of ``folder``, or none, and the shell text that copies them."""

    @abstractmethod
    def reads_orbitals(self, parameters: dict[str, Any]) -> bool:
        """Return whether the orbitals of another run are read."""

    def get_outputs(self, node: CalcJobNode) -> dict[str, Any]:
        """Return the outputs of a job under the names of this work chain."""
        names = {
            'results': 'output_parameters',
            'structure': self._structure_label,
            'remote_folder': 'remote_folder',
        }
        return {name: node.outputs[label] for name, label in names.items() if label in node.outputs}

    def restart_from(self, node: CalcJobNode, *, wavefunction: bool) -> None:
        """Let the next job start from the last structure of ``node``, and from its orbitals where wanted.

        The orbitals are large and stay on the computer: the next job copies them there.
        """
        outputs, inputs = self.get_outputs(node), self.ctx.inputs
        inputs.structure = outputs.get('structure', inputs.structure)
        remote = outputs.get('remote_folder') if wavefunction else None
        folder = remote.get_remote_path() if remote is not None else None
        parameters, copy = self.read_orbitals(inputs.parameters.get_dict(), folder)
        inputs.parameters = Dict(parameters)
        inputs.metadata.options = AttributeDict(with_orbitals_copied(dict(inputs.metadata.options), copy))

    @process_handler(priority=450, exit_codes=[CODES['crashed']])
    def handle_spoilt_orbitals(self, node: CalcJobNode) -> ProcessHandlerReport | None:
        """Leave the orbitals of the job before behind: a file that was cut makes the program crash."""
        if not self.reads_orbitals(self.ctx.inputs.parameters.get_dict()) or self._count('spoilt') > WITHOUT_ORBITALS:
            return None
        self.restart_from(node, wavefunction=False)
        return self._again(node, 'it crashed with the orbitals of the job before; now without them')
