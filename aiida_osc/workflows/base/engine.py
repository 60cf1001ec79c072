"""What the restart work chains of all single-molecule engines share: one handler per failure."""

from abc import abstractmethod
from typing import Any, ClassVar, Protocol

from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessHandlerReport, process_handler
from aiida.orm import CalcJobNode, Dict, RemoteData, StructureData

from aiida_osc.calculations.functions.displace import displace
from aiida_osc.calculations.resources import find_memory
from aiida_osc.qc.failures import FAILURES
from aiida_osc.workflows.base.restart import RestartWorkChain

CODES = {kind: ExitCode(failure.status, failure.message) for kind, failure in FAILURES.items()}
#: Of these no restart helps.
HOPELESS = (
    'input_refused',
    'wrong_multiplicity',
    'basis_missing',
    'atoms_too_close',
    'no_executable',
    'wrong_molecule',
)
#: How often a geometry is continued before its convergence is loosened, and how often it is displaced.
CONTINUATIONS, DISPLACEMENTS = 3, 2
#: Jobs of one calculation, all remedies together.
MAX_JOBS = 12


class Remedies(Protocol):
    """What an engine can change in its parameters; pure functions on plain dictionaries.

    Each returns the changed parameters, or None when there is nothing left to try.
    """

    def help_scf(self, parameters: dict[str, Any], stage: int) -> dict[str, Any] | None:
        """Return parameters with the help of ``stage`` (1, 2, ...) for the SCF."""

    def describe_scf(self, stage: int) -> str:
        """Return in a few words what the help of ``stage`` is."""

    def help_memory(
        self, parameters: dict[str, Any], options: dict[str, Any], stage: int
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return parameters and ``metadata.options`` with more memory per process."""

    def loosen_geometry(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """Return parameters with looser convergence of the geometry, None when it is loose already."""


class EngineBaseWorkChain(RestartWorkChain):
    """Run one calculation of one molecule until it ends well or nothing helps any more."""

    _most_jobs = MAX_JOBS
    #: Set by the engine: what can be changed in the inputs.
    _remedies: ClassVar[Remedies]

    @classmethod
    def define(cls, spec):
        """Declare the outputs."""
        super().define(spec)
        spec.output('results', valid_type=Dict, required=False, help='What the engine gave, keys as in QCSchema.')
        spec.output('structure', valid_type=StructureData, required=False, help='The optimised structure.')
        spec.output('remote_folder', valid_type=RemoteData, required=False, help='Folder of the last job.')

    def setup(self):
        """Take over the inputs of the job; no remedy has been used."""
        super().setup()
        self.ctx.used = {}

    @abstractmethod
    def get_outputs(self, node: CalcJobNode) -> dict[str, Any]:
        """Return the outputs of the job under the names of this work chain."""

    @abstractmethod
    def restart_from(self, node: CalcJobNode, *, wavefunction: bool) -> None:
        """Let the next job start from the last structure of ``node``, and from its orbitals where wanted.

        Change ``self.ctx.inputs``; where the job left nothing, leave them as they are.
        """

    @process_handler(priority=900, exit_codes=[CODES[kind] for kind in HOPELESS])
    def handle_hopeless(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Stop: the same would fail again."""
        return self._give_up(node)

    @process_handler(priority=500, exit_codes=[CODES['scf_not_converged']])
    def handle_scf(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Help the SCF: the engine's remedies, one stronger than the other."""
        stage = self._count('scf')
        changed = self._remedies.help_scf(self.ctx.inputs.parameters.get_dict(), stage)
        if changed is None:
            return self._give_up(node)
        self.restart_from(node, wavefunction=False)
        return self._again(node, f'the SCF did not converge; now with {self._remedies.describe_scf(stage)}', changed)

    @process_handler(priority=490, exit_codes=[CODES['out_of_memory']])
    def handle_memory(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Give each process more memory."""
        options = dict(self.ctx.inputs.metadata.options)
        memory = find_memory(options, self.ctx.inputs.code.computer)
        if memory:
            options['max_memory_kb'] = memory
        changed = self._remedies.help_memory(self.ctx.inputs.parameters.get_dict(), options, self._count('memory'))
        if changed is None:
            return self._give_up(node)
        parameters, self.ctx.inputs.metadata.options = changed[0], AttributeDict(changed[1])
        self.restart_from(node, wavefunction=True)
        return self._again(node, 'the memory was not enough; now with more per process', parameters)

    @process_handler(priority=480, exit_codes=[CODES['out_of_walltime'], CODES['output_truncated']])
    def handle_interrupted(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on from the last structure and orbitals of a job that was ended before its time."""
        if self._count('interrupted') > CONTINUATIONS:
            return self._give_up(node)
        self.restart_from(node, wavefunction=True)
        return self._again(node, 'the job was ended before its time; the next goes on from where it was')

    @process_handler(priority=470, exit_codes=[CODES['geometry_not_converged']])
    def handle_geometry(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Continue from the last structure; then with looser convergence, which the results tell."""
        self.restart_from(node, wavefunction=True)
        if self._count('geometry') <= CONTINUATIONS:
            return self._again(node, 'the geometry did not converge; going on from the last one')
        changed = self._remedies.loosen_geometry(self.ctx.inputs.parameters.get_dict())
        if changed is None:
            return self._give_up(node)
        return self._again(node, 'the geometry did not converge again; now with looser criteria', changed)

    @process_handler(priority=460, exit_codes=[CODES['imaginary_mode']])
    def handle_imaginary_mode(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Displace the structure along its imaginary mode and optimise again."""
        outputs = self.get_outputs(node)
        if self._count('displaced') > DISPLACEMENTS or 'results' not in outputs:
            return self._give_up(node)
        structure = outputs.get('structure', self.ctx.inputs.structure)
        label = f'displace_{self.ctx.used["displaced"]:02d}'
        self.ctx.inputs.structure = displace(structure, outputs['results'], metadata={'call_link_label': label})
        return self._again(node, 'the geometry is no minimum; displaced along its imaginary mode')

    def _count(self, what: str) -> int:
        """Return how often a remedy has been asked for, this time included."""
        self.ctx.used[what] = self.ctx.used.get(what, 0) + 1
        return self.ctx.used[what]

    def _again(
        self, node: CalcJobNode, sentence: str, parameters: dict[str, Any] | None = None
    ) -> ProcessHandlerReport:
        if parameters is not None:
            self.ctx.inputs.parameters = Dict(parameters)
        self.report(f'{self.ctx.process_name}<{node.pk}>: {sentence}')
        return ProcessHandlerReport(True)
