"""What all restart work chains share: inputs of the job, a job launched once, an end where nothing helps."""

from typing import ClassVar

from aiida.common import AttributeDict
from aiida.engine import BaseRestartWorkChain, ProcessHandlerReport, ToContext, append_, while_
from aiida.orm import CalcJobNode, Int, Str

from aiida_osc.workflows.adopt import find_called


class RestartWorkChain(BaseRestartWorkChain):
    """Run a job until it ends well or nothing helps any more."""

    #: Set by the leaf: namespace of the job's inputs, and jobs at the most, all remedies together.
    _namespace: ClassVar[str]
    _most_jobs: ClassVar[int]

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline and the exit code of what cannot be cured."""
        super().define(spec)
        spec.expose_inputs(cls._process_class, namespace=cls._namespace)
        spec.inputs['on_unhandled_failure'].default = lambda: Str('restart_once')
        # The remedies end by themselves; AiiDA's five jobs would end before them.
        spec.inputs['max_iterations'].default = lambda: Int(cls._most_jobs)
        spec.outline(cls.setup, while_(cls.should_run_process)(cls.run_process, cls.inspect_process), cls.results)
        spec.exit_code(
            310,
            'ERROR_UNRECOVERABLE',
            message='Job {pk} failed and no remedy is left: {message}',
            invalidates_cache=True,
        )

    def setup(self):
        """Take over the inputs of the job."""
        super().setup()
        self.ctx.inputs = AttributeDict(self.exposed_inputs(self._process_class, self._namespace))

    def run_process(self):
        """Submit the job, or find the one that was submitted before the worker was lost."""
        child = find_called(self.node, f'iteration_{self.ctx.iteration + 1:02d}')
        if child is not None:
            self.ctx.iteration += 1
            self.report(f'going on with {self.ctx.process_name}<{child.pk}>, which is already submitted')
            return ToContext(children=append_(child))
        return super().run_process()

    def _give_up(self, node: CalcJobNode) -> ProcessHandlerReport:
        self.report(f'{self.ctx.process_name}<{node.pk}> cannot be cured: {node.exit_message}')
        code = self.exit_codes.ERROR_UNRECOVERABLE.format(pk=node.pk, message=node.exit_message)
        return ProcessHandlerReport(True, code)


class ResumingWorkChain(RestartWorkChain):
    """Run a job that goes on where an earlier one was interrupted; whatever was finished is handed out at the end."""

    #: Set by the leaf: outputs of the job that are handed out, the first of which says that there is something.
    _handed_out: ClassVar[tuple[str, ...]]

    @classmethod
    def define(cls, spec):
        """Declare the outputs."""
        super().define(spec)
        spec.expose_outputs(cls._process_class, include=cls._handed_out)
        for name in cls._handed_out:
            spec.outputs[name].required = False

    def inspect_process(self):
        """Call the handlers; also when the end is a failure, hand out what was finished."""
        exit_code = super().inspect_process()
        if exit_code is not None and exit_code.status:
            last = next((node for node in reversed(self.ctx.children) if self._handed_out[0] in node.outputs), None)
            if last is not None:
                self._attach_outputs(last)
                self.report(f'the outputs are those of {self.ctx.process_name}<{last.pk}>')
        return exit_code
