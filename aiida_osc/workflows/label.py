"""Labels for many molecules: jobs of a bounded size, a bounded number of them at a time."""

from aiida.engine import ToContext, WorkChain, if_, while_
from aiida.orm import AbstractCode, Dict, Int, RemoteData

from aiida_osc.calculations.fourpoint_batch import validate_parameters
from aiida_osc.calculations.functions.chunk_molecules import chunk_molecules
from aiida_osc.calculations.functions.collect_labels import collect_labels
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.workflows.adopt import find_called
from aiida_osc.workflows.base.fourpoint_batch import FourPointBatchBaseWorkChain
from aiida_osc.workflows.protocols import load_protocol


def validate_positive(node: Int, _) -> str | None:
    """Return why the number is unusable, None when it is positive."""
    return None if node.value > 0 else f'{node.value}: give a whole number of at least 1'


def validate_options(node: Dict, _) -> str | None:
    """Return why the options are unusable, None when the job knows them all."""
    from aiida_osc.calculations.fourpoint_batch import FourPointBatchCalculation, validate_resources

    known = FourPointBatchCalculation.spec_options
    unknown = sorted(set(node.get_dict()) - set(known))
    if unknown:
        return f'unknown option {unknown[0]!r}: use those of metadata.options, such as resources'
    return validate_resources(node.get_dict().get('resources', {}), None)


class LabelWorkChain(WorkChain):
    """Compute labels: deal molecules into jobs, run them, report and skip what fails, collect the rest."""

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        spec.input('molecules', valid_type=MoleculeSetData, help='What to compute.')
        spec.input('code', valid_type=AbstractCode, help='A Python with tblite, rdkit and numpy.')
        spec.input(
            'parameters',
            valid_type=Dict,
            default=lambda: Dict({}),
            validator=validate_parameters,
            help='Engine, seed and settings of the runner.',
        )
        spec.input(
            'options',
            valid_type=Dict,
            default=lambda: Dict({}),
            validator=validate_options,
            help='``metadata.options`` of the jobs, such as ``resources`` and ``max_wallclock_seconds``.',
        )
        spec.input(
            'chunk_size',
            valid_type=Int,
            default=lambda: Int(50),
            validator=validate_positive,
            help='Largest number of molecules per job.',
        )
        spec.input(
            'max_concurrent',
            valid_type=Int,
            default=lambda: Int(1),
            validator=validate_positive,
            help='Largest number of jobs at a time.',
        )
        spec.input('geometries', valid_type=GeometrySetData, required=False, help='Start structures at charge 0.')
        spec.input_namespace(
            'parents',
            dynamic=True,
            valid_type=RemoteData,
            required=False,
            help='Folders of interrupted jobs of an earlier process with the same molecules and chunk size, by chunk: '
            'what they have finished is kept.',
        )

        spec.outline(
            cls.setup,
            if_(cls.has_molecules)(
                cls.split,
                while_(cls.has_chunks)(cls.launch_jobs, cls.inspect_jobs),
                cls.collect,
            ),
            cls.finalize,
        )

        spec.output('labels', valid_type=MoleculeSetData, help='Molecules that passed every check, with labels.')
        spec.output('geometries', valid_type=GeometrySetData, help='Their structures at charge 0, +1 and -1.')
        spec.output('failures', valid_type=Dict, help='Why the other molecules have no labels; counts and costs.')
        for name in ('labels', 'geometries', 'failures'):
            spec.outputs[name].required = False
        spec.exit_code(201, 'ERROR_NO_MOLECULES', message='The set of molecules is empty: give at least one molecule.')
        spec.exit_code(
            301,
            'ERROR_ALL_JOBS_FAILED',
            message='None of the {jobs} jobs gave a result; the first said: {message}',
        )
        spec.exit_code(
            302,
            'ERROR_NO_LABELS',
            message='All {molecules} molecules were treated, none passed the checks; the output "failures" says why.',
        )
        spec.exit_code(
            401,
            'ERROR_SOME_JOBS_FAILED',
            message='{failed} of {jobs} jobs failed; the outputs hold what there is. The first said: {message}',
        )

    @classmethod
    def get_builder_from_protocol(cls, code, molecules, protocol=None, overrides=None, options=None):
        """Return a builder filled with the defaults of ``protocol``.

        :param code: a Python with tblite, rdkit and numpy.
        :param molecules: the :class:`MoleculeSetData` to compute.
        :param protocol: ``fast``, ``balanced`` or ``stringent``.
        :param overrides: values in place of the protocol's; unknown keys raise.
        :param options: ``metadata.options`` of the jobs, such as ``resources``.
        :raises OscError: when the protocol or a key is unknown.
        """
        values = load_protocol('label', protocol, overrides)
        builder = cls.get_builder()
        builder.code = code
        builder.molecules = molecules
        builder.parameters = Dict(values['parameters'])
        builder.options = Dict({**values['options'], **(options or {})})
        builder.chunk_size = Int(values['chunk_size'])
        builder.max_concurrent = Int(values['max_concurrent'])
        return builder

    def setup(self):
        """Start with nothing done."""
        self.ctx.next_chunk = 0
        self.ctx.chunks = {}
        self.ctx.failed = []
        self.ctx.message = ''

    def has_molecules(self):
        """Return whether there is anything to compute."""
        return self.inputs.molecules.count > 0

    def split(self):
        """Deal the molecules into chunks, one per job."""
        metadata = {
            'call_link_label': 'split',
            'label': f'deal {_number(self.inputs.molecules.count, "molecule")} into jobs',
        }
        self.ctx.chunks = chunk_molecules(self.inputs.molecules, self.inputs.chunk_size, metadata=metadata)
        count, size = len(self.ctx.chunks), self.inputs.chunk_size.value
        self.report(
            f'{_number(self.inputs.molecules.count, "molecule")} in {_number(count, "job")} of up to {size}, '
            f'{self.inputs.max_concurrent.value} at a time'
        )

    def has_chunks(self):
        """Return whether a chunk has not been launched yet."""
        return self.ctx.next_chunk < len(self.ctx.chunks)

    def launch_jobs(self):
        """Submit the next chunks, as many as may run at a time."""
        self.ctx.running = self._labels()[self.ctx.next_chunk :][: self.inputs.max_concurrent.value]
        self.ctx.next_chunk += len(self.ctx.running)
        return ToContext(**{label: self._submit(label) for label in self.ctx.running})

    def inspect_jobs(self):
        """Report what the jobs of this round gave."""
        for label in self.ctx.running:
            process = self.ctx[label]
            if not process.is_finished_ok:
                self.ctx.failed.append(label)
                message = process.exit_message or f'it is {process.process_state.value}'
                self.ctx.message = self.ctx.message or message
                self.report(f'{label}, {process.process_label}<{process.pk}>, failed: {message}')
            if 'results' in process.outputs:
                self.report(_sentence(label, self.ctx.chunks[label].count, process.outputs.results.get_dict()))

    def collect(self):
        """Put the labels of all jobs together."""
        parts = {}
        for label in self._labels():
            number = label.removeprefix('chunk_')
            parts[f'molecules_{number}'] = self.ctx.chunks[label]
            outputs = self.ctx[label].outputs
            parts |= {
                f'{name}_{number}': outputs[name] for name in ('labels', 'geometries', 'results') if name in outputs
            }
        metadata = {
            'call_link_label': 'collect',
            'label': f'collect the labels of {_number(len(self.ctx.chunks), "job")}',
        }
        outputs = collect_labels(**parts, metadata=metadata)
        self.ctx.totals = outputs['failures'].get_dict()['totals']
        self.out_many(outputs)

    def finalize(self):
        """Say what there is, and how much of it."""
        if not self.ctx.chunks:
            return self.exit_codes.ERROR_NO_MOLECULES
        totals = self.ctx.totals
        self.report(f'{totals["labelled"]} of {totals["asked"]} molecules have labels')
        jobs, failed = len(self.ctx.chunks), len(self.ctx.failed)
        if failed and not totals['labelled']:
            return self.exit_codes.ERROR_ALL_JOBS_FAILED.format(jobs=jobs, message=self.ctx.message)
        if failed:
            return self.exit_codes.ERROR_SOME_JOBS_FAILED.format(jobs=jobs, failed=failed, message=self.ctx.message)
        if not totals['labelled']:
            return self.exit_codes.ERROR_NO_LABELS.format(molecules=totals['asked'])
        return None

    def _labels(self):
        return sorted(self.ctx.chunks, key=lambda label: int(label.removeprefix('chunk_')))

    def _submit(self, label):
        """Submit the job of one chunk, or find the one that was submitted before the worker was lost."""
        known = find_called(self.node, label)
        if known is not None:
            return known
        count, total = int(label.removeprefix('chunk_')) + 1, len(self.ctx.chunks)
        story = f'job {count} of {total}: four-point scheme of {_number(self.ctx.chunks[label].count, "molecule")}'
        job = {
            'code': self.inputs.code,
            'molecules': self.ctx.chunks[label],
            'parameters': self.inputs.parameters,
            'metadata': {'label': story, 'options': self.inputs.options.get_dict()},
        }
        if 'geometries' in self.inputs:
            job['geometries'] = self.inputs.geometries
        if label in self.inputs.get('parents', {}):
            job['parent_folder'] = self.inputs.parents[label]
        return self.submit(FourPointBatchBaseWorkChain, batch=job, metadata={'call_link_label': label, 'label': story})


def _sentence(label, asked, results):
    failed, flagged = results.get('failed', 0), results.get('flagged', 0)
    text = f'{label}: {results.get("ok", 0)} of {_number(asked, "molecule")} computed'
    return text + (f', {failed} failed and {flagged} flagged, see its results' if failed or flagged else '')


def _number(count, noun):
    return f'{count} {noun}' if count == 1 else f'{count} {noun}s'
