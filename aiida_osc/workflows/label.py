"""Labels for many molecules by any engine: a bounded number of jobs at a time, what fails reported and skipped."""

from aiida.engine import ToContext, WorkChain, if_, while_
from aiida.orm import AbstractCode, Bool, Dict, Int, RemoteData, load_node

from aiida_osc.calculations.functions.chunk_molecules import chunk_molecules
from aiida_osc.calculations.functions.collect_labels import collect_labels
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.qc.scheme import BATCH_ENGINES, FourPointSettings
from aiida_osc.workflows.adopt import find_called
from aiida_osc.workflows.base.fourpoint_batch import FourPointBatchBaseWorkChain
from aiida_osc.workflows.fourpoint import FourPointWorkChain, fill_builder, validate_parameters
from aiida_osc.workflows.known import find_known, structures_of
from aiida_osc.workflows.protocols import load_protocol

#: The calculations of a molecule went well, its numbers did not pass the checks: no failure of the job.
NOT_PLAUSIBLE = FourPointWorkChain.exit_codes.ERROR_NOT_PLAUSIBLE.status
#: Calculations of one molecule that can run at a time.
POINTS = 7
#: Outputs of a job that are collected.
COLLECTED = ('labels', 'geometries', 'results')


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


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why the inputs do not fit together, None when they do."""
    if 'parameters' not in inputs or inputs['parameters'].get('engine', 'tblite') in BATCH_ENGINES:
        return None
    if 'xtb_code' not in inputs:
        return f'{inputs["parameters"]["engine"]} needs start structures: give xtb_code, a Python with tblite'
    return None


class LabelWorkChain(WorkChain):
    """Compute labels: take what is known, deal the rest into jobs, report and skip what fails, collect."""

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        cls._define_inputs(spec)
        spec.inputs.validator = validate_inputs
        spec.outline(
            cls.setup,
            if_(cls.has_molecules)(
                cls.look_up,
                cls.split,
                while_(cls.has_jobs)(cls.launch_jobs, cls.inspect_jobs),
                if_(cls.is_program)(
                    cls.split_molecules,
                    while_(cls.has_jobs)(cls.launch_jobs, cls.inspect_jobs),
                ),
                cls.collect,
            ),
            cls.finalize,
        )
        spec.output('labels', valid_type=MoleculeSetData, help='Molecules that passed every check, with labels.')
        spec.output('geometries', valid_type=GeometrySetData, help='Their structures at charge 0, +1 and -1.')
        spec.output('failures', valid_type=Dict, help='Why the other molecules have no labels; counts and costs.')
        for name in ('labels', 'geometries', 'failures'):
            spec.outputs[name].required = False
        cls._define_exit_codes(spec)

    @classmethod
    def _define_inputs(cls, spec):
        spec.input('molecules', valid_type=MoleculeSetData, help='What to compute.')
        spec.input('code', valid_type=AbstractCode, help='The engine; for tblite and pyscf a Python that has it.')
        spec.input(
            'xtb_code',
            valid_type=AbstractCode,
            required=False,
            help='A Python with tblite for the geometries that the other engines start from.',
        )
        spec.input(
            'parameters',
            valid_type=Dict,
            default=lambda: Dict({}),
            validator=validate_parameters,
            help='Engine, levels of energies and geometries, seed and settings of the batch runner.',
        )
        for name, of in (('options', 'the jobs'), ('xtb_options', 'the xTB jobs that make start structures')):
            spec.input(
                name,
                valid_type=Dict,
                default=lambda: Dict({}),
                validator=validate_options,
                help=f'``metadata.options`` of {of}, such as ``resources`` and ``max_wallclock_seconds``.',
            )
        for name, default, text in (
            ('chunk_size', 50, 'Largest number of molecules per batch job.'),
            ('max_concurrent', 1, 'Largest number of jobs at a time; each molecule of a program has up to seven.'),
        ):
            spec.input(
                name, valid_type=Int, default=lambda value=default: Int(value), validator=validate_positive, help=text
            )
        spec.input(
            'reuse',
            valid_type=Bool,
            default=lambda: Bool(True),
            help='Take labels of the same molecule and level from the graph, whatever campaign computed them.',
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

    @classmethod
    def _define_exit_codes(cls, spec):
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
    def get_builder_from_protocol(
        cls, code, molecules, protocol=None, overrides=None, options=None, engine=None, xtb_code=None
    ):
        """Return a builder filled with the defaults of ``protocol``.

        :param code: the engine; for tblite and pyscf a Python that has it.
        :param molecules: the :class:`MoleculeSetData` to compute.
        :param protocol: ``fast`` (xTB), ``balanced`` (DFT at xTB geometries) or ``stringent`` (DFT optimisations).
        :param overrides: values in place of the protocol's; unknown keys raise.
        :param options: ``metadata.options`` of the jobs, such as ``resources``.
        :param engine: in place of the protocol's.
        :param xtb_code: a Python with tblite, needed by the engines that are programs.
        :raises OscError: when the protocol, a key or a level is unknown.
        """
        values = load_protocol('label', protocol, overrides)
        builder = fill_builder(cls.get_builder(), values, code, engine, xtb_code, options)
        builder.molecules = molecules
        builder.chunk_size = Int(values['chunk_size'])
        return builder

    def setup(self):
        """Start with nothing done."""
        self.ctx.todo, self.ctx.running, self.ctx.done, self.ctx.failed = [], [], [], []
        self.ctx.sets, self.ctx.known, self.ctx.reasons = {}, [], {}
        self.ctx.message = ''

    def has_molecules(self):
        """Return whether there is anything to compute."""
        return self.inputs.molecules.count > 0

    def is_program(self):
        """Return whether the engine treats one molecule at a time, after xTB has made the geometries."""
        return self._settings().engine not in BATCH_ENGINES

    def look_up(self):
        """Find labels that are in the graph already."""
        if not self.inputs.reuse.value:
            return
        self.ctx.known = find_known(self.inputs.molecules.load(), self._settings().required_columns)
        if self.ctx.known:
            sources = ', '.join(f'node {node.pk}' for node in self.ctx.known[:5])
            more = f' and {len(self.ctx.known) - 5} more' if len(self.ctx.known) > 5 else ''
            self.report(f'labels of this level are there from earlier: {sources}{more}')

    def split(self):
        """Deal the molecules into chunks, one per batch job."""
        self.ctx.sets = self._chunks('split', self.inputs.chunk_size, 'jobs')
        self.ctx.todo = sorted(self.ctx.sets)
        left = sum(node.count for node in self.ctx.sets.values())
        if left < self.inputs.molecules.count:
            self.report(
                f'{self.inputs.molecules.count - left} of {self.inputs.molecules.count} need no new calculation'
            )
        self.report(
            f'{_number(left, "molecule")} in {_number(len(self.ctx.sets), "job")} of up to '
            f'{self.inputs.chunk_size.value}, {self.inputs.max_concurrent.value} at a time'
        )

    def split_molecules(self):
        """Make a set of each molecule that has geometries to start from."""
        singles = self._chunks('split_molecules', Int(1), 'single ones')
        self.ctx.starts = self._starts()
        for label, node in singles.items():
            if node.load().inchikeys[0] in self.ctx.starts:
                self.ctx.sets[label.replace('chunk', 'molecule')] = node
        self.ctx.todo = sorted(label for label in self.ctx.sets if label.startswith('molecule_'))
        self.report(
            f'{_number(len(self.ctx.todo), "molecule")} by {self._settings().engine}, '
            f'up to {self.inputs.max_concurrent.value} calculations at a time'
        )

    def has_jobs(self):
        """Return whether a job is left or running."""
        return bool(self.ctx.todo or self.ctx.running)

    def launch_jobs(self):
        """Fill the free places, then wait for the job that is likely to end first.

        That is the oldest of batch jobs, which are of equal size; a job of the scheduler's queue takes its place at
        once, and the queue is filled again meanwhile. Molecules are launched by falling size, so there it is the last.
        Whatever else has ended by then is taken over with it and its place filled as well.
        """
        most = self.inputs.max_concurrent.value
        free = (max(1, most // POINTS) if self._are_molecules() else most) - len(self.ctx.running)
        for label in self.ctx.todo[: max(free, 0)]:
            self.ctx[label] = self._submit(label)
            self.ctx.running.append(label)
        self.ctx.todo = self.ctx.todo[max(free, 0) :]
        first = self.ctx.running[-1 if self._are_molecules() else 0]
        return ToContext(**{first: self.ctx[first]})

    def inspect_jobs(self):
        """Report what the jobs that have ended gave."""
        for label in list(self.ctx.running):
            process = load_node(self.ctx[label].pk)
            if not process.is_terminated:
                continue
            self.ctx.running.remove(label)
            self.ctx.done.append(label)
            if not process.is_finished_ok and process.exit_status != NOT_PLAUSIBLE:
                self._note_failure(label, process)
            if 'results' in process.outputs:
                self.report(_sentence(label, self.ctx.sets[label].count, process.outputs.results.get_dict()))

    def collect(self):
        """Put the labels of all jobs together with those from earlier, the better level first."""
        parts = {f'known_{number:03d}': node for number, node in enumerate(self.ctx.known)}
        structures = [node for node in map(structures_of, self.ctx.known) if node is not None]
        parts |= {f'geometries_known_{number:03d}': node for number, node in enumerate(structures)}
        for number, label in enumerate(sorted(self.ctx.done, reverse=True)):
            outputs = load_node(self.ctx[label].pk).outputs
            wanted = ('labels', 'results') if self._is_replaced(label) else COLLECTED
            parts |= {f'{name}_{number:03d}': outputs[name] for name in wanted if name in outputs}
        metadata = {
            'call_link_label': 'collect',
            'label': f'collect the labels of {_number(len(self.ctx.done), "job")}',
        }
        inputs = {'molecules': self.inputs.molecules, 'parameters': self.inputs.parameters}
        if self.ctx.reasons:
            inputs['reasons'] = Dict(self.ctx.reasons)
        outputs = collect_labels(**inputs, **parts, metadata=metadata)
        self.ctx.totals = outputs['failures'].get_dict()['totals']
        cheap = outputs['labels'].count - self.ctx.totals['labelled']
        if cheap:
            self.report(f'labels of xTB only, at its own level: {_number(cheap, "molecule")}')
        self.out_many(outputs)

    def finalize(self):
        """Say what there is, and how much of it."""
        if not self.has_molecules():
            return self.exit_codes.ERROR_NO_MOLECULES
        totals = self.ctx.totals
        self.report(f'{totals["labelled"]} of {totals["asked"]} molecules have labels')
        jobs, failed = len(self.ctx.done), len(self.ctx.failed)
        if failed and not totals['labelled']:
            return self.exit_codes.ERROR_ALL_JOBS_FAILED.format(jobs=jobs, message=self.ctx.message)
        if failed:
            return self.exit_codes.ERROR_SOME_JOBS_FAILED.format(jobs=jobs, failed=failed, message=self.ctx.message)
        if not totals['labelled']:
            return self.exit_codes.ERROR_NO_LABELS.format(molecules=totals['asked'])
        return None

    def _settings(self) -> FourPointSettings:
        return FourPointSettings.from_dict(self.inputs.parameters.get_dict())

    def _chunks(self, step, size, into):
        count = _number(self.inputs.molecules.count, 'molecule')
        metadata = {'call_link_label': step, 'label': f'deal {count} into {into}'}
        known = {f'known_{number:03d}': node for number, node in enumerate(self.ctx.known)}
        inputs = (self.inputs.molecules, size, self.inputs.parameters)
        return chunk_molecules(*inputs, **known, metadata=metadata)

    def _starts(self):
        """Return the label of the xTB job that has the structures of each molecule, by InChIKey."""
        found: dict[str, str] = {}
        for label in self.ctx.done:
            outputs = load_node(self.ctx[label].pk).outputs
            if 'geometries' in outputs:
                found |= {item.inchikey: label for item in outputs.geometries.load().geometries}
        return found

    def _are_molecules(self):
        """Return whether the jobs of now are molecules, each of which has several calculations."""
        return any(label.startswith('molecule_') for label in (*self.ctx.todo, *self.ctx.running))

    def _is_replaced(self, label):
        """Return whether the structures of a job are only those that better ones were made from."""
        return self.is_program() and label.startswith('chunk_')

    def _note_failure(self, label, process):
        message = process.exit_message or f'it is {process.process_state.value}'
        self.ctx.failed.append(label)
        self.ctx.message = self.ctx.message or message
        if label.startswith('molecule_'):
            self.ctx.reasons[self.ctx.sets[label].load().inchikeys[0]] = message
        self.report(f'{label}, {process.process_label}<{process.pk}>, failed: {message}')

    def _submit(self, label):
        """Submit a job, or find the one that was submitted before the worker was lost."""
        known = find_called(self.node, label)
        if known is not None:
            return known
        return self._submit_molecule(label) if label.startswith('molecule_') else self._submit_chunk(label)

    def _submit_chunk(self, label):
        count, total = int(label.removeprefix('chunk_')) + 1, len(self.ctx.sets)
        story = f'job {count} of {total}: four-point scheme of {_number(self.ctx.sets[label].count, "molecule")}'
        own = {'code': self.inputs.code, 'parameters': self.inputs.parameters}
        options = self.inputs.options
        if self.is_program():
            settings = self._settings()
            start = {'engine': 'tblite', 'seed': settings.seed, 'settings': settings.settings}
            own, options = {'code': self.inputs.xtb_code, 'parameters': Dict(start)}, self.inputs.xtb_options
        job = {**own, 'molecules': self.ctx.sets[label], 'metadata': {'label': story, 'options': options.get_dict()}}
        if 'geometries' in self.inputs:
            job['geometries'] = self.inputs.geometries
        if label in self.inputs.get('parents', {}):
            job['parent_folder'] = self.inputs.parents[label]
        return self.submit(FourPointBatchBaseWorkChain, batch=job, metadata={'call_link_label': label, 'label': story})

    def _submit_molecule(self, label):
        molecule = self.ctx.sets[label]
        table, settings = molecule.load(), self._settings()
        start = load_node(self.ctx[self.ctx.starts[table.inchikeys[0]]].pk)
        story = f'{table.smiles[0]}: four-point scheme by {settings.engine}'[:255]
        inputs = {name: self.inputs[name] for name in ('code', 'parameters', 'options')}
        return self.submit(
            FourPointWorkChain,
            molecule=molecule,
            geometries=start.outputs.geometries,
            max_concurrent=Int(min(self.inputs.max_concurrent.value, POINTS)),
            metadata={'call_link_label': label, 'label': story},
            **inputs,
        )


def _sentence(label, asked, results):
    failed, flagged = results.get('failed', 0), results.get('flagged', 0)
    text = f'{label}: {results.get("ok", 0)} of {_number(asked, "molecule")} computed'
    return text + (f', {failed} failed and {flagged} flagged, see its results' if failed or flagged else '')


def _number(count, noun):
    return f'{count} {noun}' if count == 1 else f'{count} {noun}s'
