"""Base work chain of the four-point batch job: go on where a job was interrupted, stop where nothing helps."""

from typing import Any

from aiida.engine import ProcessHandlerReport, process_handler
from aiida.orm import CalcJobNode

from aiida_osc.calculations.fourpoint_batch import FourPointBatchCalculation
from aiida_osc.calculations.resources import count_cores, find_memory
from aiida_osc.workflows.base.restart import ResumingWorkChain

CALC_CODES = FourPointBatchCalculation.exit_codes


class FourPointBatchBaseWorkChain(ResumingWorkChain):
    """Run a :class:`FourPointBatchCalculation` until every molecule has been treated once."""

    _process_class = FourPointBatchCalculation
    _namespace = 'batch'
    _most_jobs = 10
    _handed_out = ('labels', 'geometries', 'results')

    @classmethod
    def define(cls, spec):
        """Declare the exit code of jobs that come to nothing."""
        super().define(spec)
        spec.exit_code(
            410,
            'ERROR_NO_PROGRESS',
            message='Job {pk} ended without a newly finished molecule; the outputs hold what was finished before. '
            'Give the job more time or memory, or leave out the molecules without results.',
            invalidates_cache=True,
        )

    def setup(self):
        """Take over the inputs of the job; no molecule is finished."""
        super().setup()
        self.ctx.finished_molecules = 0

    def run_process(self):
        """Submit the job, named as the rest of the work after the first."""
        if self.ctx.iteration:
            metadata = self.ctx.inputs.metadata
            metadata['label'] = f'{self.inputs.batch.metadata.get("label", "four-point batch")}, the rest'
        return super().run_process()

    @process_handler(exit_codes=[CALC_CODES.ERROR_INTERRUPTED, CALC_CODES.ERROR_INTERRUPTED_EARLY])
    def handle_interrupted(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on from the folder of a job that was killed or lost its machine."""
        return self._go_on(node, 'was interrupted')

    @process_handler(exit_codes=[CALC_CODES.ERROR_OUT_OF_WALLTIME])
    def handle_out_of_walltime(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on from the folder of a job whose time was over."""
        return self._go_on(node, 'ran out of wall time')

    @process_handler(exit_codes=[CALC_CODES.ERROR_OUT_OF_MEMORY])
    def handle_out_of_memory(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on with half of the molecules in memory at a time, or with twice the memory where it is one already."""
        options, parameters = self.ctx.inputs.metadata.options, self.ctx.inputs.parameters.get_dict()
        default = self.inputs.batch.code.computer.get_default_mpiprocs_per_machine()
        what = 'was killed as when memory is full'
        if works_on_several(parameters, count_cores(options.resources, default)):
            options.resources = halve_cores(options.resources, default)
            return self._go_on(node, f'{what}, so with half of the cores from now on')
        memory = find_memory(options, self.inputs.batch.code.computer)
        if memory:
            options.max_memory_kb = 2 * memory
            return self._go_on(node, f'{what}, so with twice the memory ({options.max_memory_kb} kB) from now on')
        return self._go_on(node, what)

    @process_handler(exit_codes=[CALC_CODES.ERROR_ENGINE_MISSING])
    def handle_engine_missing(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Stop: the Python of the code lacks a package."""
        return self._give_up(node)

    @process_handler(exit_codes=[CALC_CODES.ERROR_NO_EXECUTABLE])
    def handle_no_executable(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Stop: the code's executable cannot be started."""
        return self._give_up(node)

    @process_handler(exit_codes=[CALC_CODES.ERROR_INPUT_REFUSED])
    def handle_input_refused(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Stop: the runner refused its input."""
        return self._give_up(node)

    def _go_on(self, node: CalcJobNode, what: str) -> ProcessHandlerReport:
        """Restart from the folder of ``node``, unless it has finished nothing since the job before it."""
        finished = _finished(node)
        total = self.ctx.inputs.molecules.count
        if finished <= self.ctx.finished_molecules and self.ctx.iteration > 1:
            self.report(f'{self.ctx.process_name}<{node.pk}> {what} at {finished} of {total} molecules, as before it')
            return ProcessHandlerReport(True, self.exit_codes.ERROR_NO_PROGRESS.format(pk=node.pk))
        self.ctx.finished_molecules = finished
        self.ctx.inputs.parent_folder = node.outputs.remote_folder
        self.report(
            f'{self.ctx.process_name}<{node.pk}> {what}: {finished} of {total} molecules are finished, '
            f'a new job does the other {total - finished}'
        )
        return ProcessHandlerReport(True)


def works_on_several(parameters: dict[str, Any], cores: int) -> bool:
    """Return whether the runner treats several molecules at a time.

    :param parameters: of the job; PySCF gives all cores to one molecule unless the setting ``threads`` says otherwise.
    """
    if parameters.get('engine') != 'pyscf':
        return cores > 1
    threads = parameters.get('settings', {}).get('threads', 0)
    return bool(threads) and cores // threads > 1


def halve_cores(resources: dict[str, Any], default: int | None) -> dict[str, Any]:
    """Return the resources with half of the cores, at least one.

    :param resources: ``metadata.options.resources``.
    :param default: processes per machine where the resources do not say, from the computer.
    """
    for key in ('num_cores_per_machine', 'num_cores_per_mpiproc', 'num_mpiprocs_per_machine', 'tot_num_mpiprocs'):
        if (resources.get(key) or 1) > 1:
            return {**resources, key: resources[key] // 2}
    stated = resources.get('num_mpiprocs_per_machine') or resources.get('tot_num_mpiprocs')
    return dict(resources) if stated else {**resources, 'num_mpiprocs_per_machine': max(1, (default or 1) // 2)}


def _finished(node: CalcJobNode) -> int:
    results: dict[str, Any] = node.outputs.results.get_dict() if 'results' in node.outputs else {}
    return int(results.get('total', 0))
