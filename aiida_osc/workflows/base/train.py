"""Base work chain of the training job: go on from the checkpoint of an interrupted job, stop where nothing helps."""

from aiida.common import AttributeDict
from aiida.engine import BaseRestartWorkChain, ProcessHandlerReport, ToContext, append_, process_handler, while_
from aiida.orm import CalcJobNode, Int, Str

from aiida_osc.calculations.resources import find_memory
from aiida_osc.calculations.train import TrainCalculation
from aiida_osc.workflows.adopt import find_called

CODES = TrainCalculation.exit_codes
OUTPUTS = ('model', 'log')


class TrainBaseWorkChain(BaseRestartWorkChain):
    """Run a :class:`TrainCalculation` until it has trained what it was asked to."""

    _process_class = TrainCalculation

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        spec.expose_inputs(TrainCalculation, namespace='train')
        spec.inputs['on_unhandled_failure'].default = lambda: Str('restart_once')
        spec.inputs['max_iterations'].default = lambda: Int(100)
        spec.outline(cls.setup, while_(cls.should_run_process)(cls.run_process, cls.inspect_process), cls.results)
        spec.expose_outputs(TrainCalculation, include=OUTPUTS)
        for name in OUTPUTS:
            spec.outputs[name].required = False
        spec.exit_code(
            310,
            'ERROR_UNRECOVERABLE',
            message='Job {pk} failed and a restart would fail again: {message}',
            invalidates_cache=True,
        )
        spec.exit_code(
            410,
            'ERROR_NO_PROGRESS',
            message='Job {pk} ended before a new checkpoint, as the one before it; the output model is the last one. '
            'Give the jobs more time or memory, or the settings smaller piece_epochs.',
            invalidates_cache=True,
        )

    def setup(self):
        """Take over the inputs of the job."""
        super().setup()
        self.ctx.inputs = AttributeDict(self.exposed_inputs(TrainCalculation, 'train'))
        self.ctx.fruitless = 0

    def run_process(self):
        """Submit the job, or find the one that was submitted before the worker was lost."""
        child = find_called(self.node, f'iteration_{self.ctx.iteration + 1:02d}')
        if child is not None:
            self.ctx.iteration += 1
            self.report(f'going on with {self.ctx.process_name}<{child.pk}>, which is already submitted')
            return ToContext(children=append_(child))
        return super().run_process()

    def inspect_process(self):
        """Call the handlers; also when the end is a failure, hand out the last checkpoint."""
        exit_code = super().inspect_process()
        if exit_code is not None and exit_code.status:
            last = next((node for node in reversed(self.ctx.children) if 'model' in node.outputs), None)
            if last is not None:
                self._attach_outputs(last)
        return exit_code

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
        self.report(f'{self.ctx.process_name}<{node.pk}> cannot be cured by a restart: {node.exit_message}')
        code = self.exit_codes.ERROR_UNRECOVERABLE.format(pk=node.pk, message=node.exit_message)
        return ProcessHandlerReport(True, code)

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
