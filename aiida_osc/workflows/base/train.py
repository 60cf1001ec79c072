"""Base work chain of the training job: go on from the checkpoint of an interrupted job, stop where nothing helps."""

from aiida.engine import ProcessHandlerReport, process_handler
from aiida.orm import CalcJobNode

from aiida_osc.calculations.resources import find_memory
from aiida_osc.calculations.train import TrainCalculation
from aiida_osc.workflows.base.restart import ResumingWorkChain

CODES = TrainCalculation.exit_codes


class TrainBaseWorkChain(ResumingWorkChain):
    """Run a :class:`TrainCalculation` until it has trained what it was asked to."""

    _process_class = TrainCalculation
    _namespace = 'train'
    _most_jobs = 100
    _handed_out = ('model', 'log')

    @classmethod
    def define(cls, spec):
        """Declare the exit code of jobs that come to nothing."""
        super().define(spec)
        spec.exit_code(
            410,
            'ERROR_NO_PROGRESS',
            message='Job {pk} ended before a new checkpoint, as the one before it; the output model is the last one. '
            'Give the jobs more time or memory, or the settings smaller piece_epochs.',
            invalidates_cache=True,
        )

    def setup(self):
        """Take over the inputs of the job; no job has been in vain."""
        super().setup()
        self.ctx.fruitless = 0

    @process_handler(exit_codes=[CODES.ERROR_INTERRUPTED, CODES.ERROR_INTERRUPTED_EARLY])
    def handle_interrupted(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on from the last checkpoint of a job that was killed or lost its machine."""
        return self._go_on(node, 'was interrupted')

    @process_handler(exit_codes=[CODES.ERROR_OUT_OF_WALLTIME])
    def handle_out_of_walltime(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on from the last checkpoint of a job whose time was over."""
        return self._go_on(node, 'ran out of wall time')

    @process_handler(exit_codes=[CODES.ERROR_OUT_OF_MEMORY])
    def handle_out_of_memory(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Go on with twice the memory, where the job has a limit that is known."""
        options = self.ctx.inputs.metadata.options
        memory = find_memory(options, self.inputs.train.code.computer)
        if not memory:
            return self._go_on(node, 'was killed as when memory is full')
        options.max_memory_kb = 2 * memory
        return self._go_on(node, f'was killed as when memory is full, so with {2 * memory} kB from now on')

    @process_handler(exit_codes=[CODES[name] for name in CODES if CODES[name].status in (201, 301, 302, 303)])
    def handle_hopeless(self, node: CalcJobNode) -> ProcessHandlerReport:
        """Stop: the same would fail again."""
        return self._give_up(node)

    def _go_on(self, node: CalcJobNode, what: str) -> ProcessHandlerReport:
        """Restart from the last checkpoint, unless two jobs in a row have written none."""
        if 'model' in node.outputs:
            self.ctx.fruitless = 0
            self.ctx.inputs.checkpoint = node.outputs.model
            epoch = node.outputs.model.base.attributes.get('progress')['epoch']
            self.report(f'{self.ctx.process_name}<{node.pk}> {what}: a new job goes on from epoch {epoch}')
            return ProcessHandlerReport(True)
        self.ctx.fruitless += 1
        if self.ctx.fruitless > 1:
            return ProcessHandlerReport(True, self.exit_codes.ERROR_NO_PROGRESS.format(pk=node.pk))
        self.report(f'{self.ctx.process_name}<{node.pk}> {what} before a new checkpoint: once more')
        return ProcessHandlerReport(True)
