"""The four-point scheme of one molecule by any engine: optimisations at charge 0, +1, -1 and crossed single points."""

from aiida.engine import ToContext, WorkChain, if_, while_
from aiida.orm import AbstractCode, Dict, Int

from aiida_osc.calculations.functions.derive_fourpoint import derive_fourpoint
from aiida_osc.calculations.functions.pick_structures import pick_structures
from aiida_osc.calculations.structures import read_structure
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import XTB_GEOMETRY
from aiida_osc.qc.scheme import (
    BATCH_ENGINES,
    CHARGE_NAMES,
    CHARGES,
    FourPointSettings,
    Point,
    calculation,
    is_ready,
    plan,
)
from aiida_osc.workflows.adopt import find_called
from aiida_osc.workflows.base.fourpoint_batch import FourPointBatchBaseWorkChain
from aiida_osc.workflows.engines import engine_process
from aiida_osc.workflows.protocols import load_protocol

OUTPUTS = ('labels', 'geometries', 'results')


def validate_molecule(node: MoleculeSetData, _) -> str | None:
    """Return why the set cannot be treated, None when it holds one molecule."""
    return None if node.count == 1 else f'{node.count} molecules: give a set of one, or use osc.label'


def validate_parameters(node: Dict, _) -> str | None:
    """Return why the parameters are unusable, None when they are fine."""
    try:
        FourPointSettings.from_dict(node.get_dict())
    except OscError as exception:
        return str(exception)
    return None


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why the inputs do not fit together, None when they do."""
    if 'parameters' not in inputs or 'molecule' not in inputs:
        return None
    settings = FourPointSettings.from_dict(inputs['parameters'].get_dict())
    if settings.engine in BATCH_ENGINES:
        return None
    if 'geometries' not in inputs:
        return None if 'xtb_code' in inputs else 'no start structure: give xtb_code, which makes one, or geometries'
    return _geometries_fault(inputs['geometries'], inputs['molecule'], settings)


def _geometries_fault(geometries: GeometrySetData, molecule: MoleculeSetData, settings: FourPointSettings):
    key, table = molecule.load().inchikeys[0], geometries.load()
    needed = CHARGES if settings.geometry == XTB_GEOMETRY else (0,)
    absent = [CHARGE_NAMES[charge] for charge in needed if table.select([key], charge)[0] is None]
    if absent:
        return f'the geometries hold no {" and no ".join(absent)} of {key}: compute them first'
    if settings.geometry == XTB_GEOMETRY and table.level != XTB_GEOMETRY:
        return f'the geometries are of level {table.level}, the label would say {XTB_GEOMETRY}: give those, or none'
    return None


class FourPointWorkChain(WorkChain):
    """Compute IE, EA and reorganisation energies of one molecule by any engine."""

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        spec.input('molecule', valid_type=MoleculeSetData, validator=validate_molecule, help='A set of one molecule.')
        spec.input(
            'parameters',
            valid_type=Dict,
            validator=validate_parameters,
            help='Engine, levels of energies and geometries, seed and settings of the batch runner.',
        )
        spec.input('code', valid_type=AbstractCode, help='The engine.')
        spec.input(
            'xtb_code',
            valid_type=AbstractCode,
            required=False,
            help='A Python with tblite, rdkit and numpy that makes the geometries to start from.',
        )
        spec.input('options', valid_type=Dict, default=lambda: Dict({}), help='``metadata.options`` of the jobs.')
        spec.input(
            'xtb_options', valid_type=Dict, default=lambda: Dict({}), help='``metadata.options`` of the xTB job.'
        )
        spec.input('geometries', valid_type=GeometrySetData, required=False, help='Structures to start from.')
        spec.input(
            'max_concurrent', valid_type=Int, default=lambda: Int(7), help='Largest number of calculations at a time.'
        )
        spec.inputs.validator = validate_inputs
        spec.outline(
            cls.setup,
            if_(cls.is_batch)(cls.run_batch, cls.take_batch).else_(
                if_(cls.needs_start)(cls.make_start, cls.take_start),
                if_(cls.can_go_on)(
                    cls.pick,
                    while_(cls.has_points)(cls.launch_points, cls.inspect_points),
                    if_(cls.can_go_on)(cls.derive),
                ),
            ),
            cls.finalize,
        )
        cls._define_outputs(spec)

    @classmethod
    def _define_outputs(cls, spec):
        spec.output('labels', valid_type=MoleculeSetData, required=False, help='The molecule with its labels.')
        spec.output('geometries', valid_type=GeometrySetData, required=False, help='Structures at charge 0, +1, -1.')
        spec.output('results', valid_type=Dict, required=False, help='Status, reason, versions and costs.')
        spec.exit_code(301, 'ERROR_NO_START', message='There is no start geometry: {message}')
        spec.exit_code(302, 'ERROR_CALCULATION_FAILED', message='{name} failed: {message}')
        spec.exit_code(
            401,
            'ERROR_NOT_PLAUSIBLE',
            message='All was computed, but the numbers cannot be labels: {reason}',
        )
        spec.exit_code(
            402,
            'ERROR_LAST_RESORT',
            message='{name} failed ({message}); the labels are those of xTB, at their own level, and no others.',
        )

    @classmethod
    def get_builder_from_protocol(
        cls, code, molecule, protocol=None, overrides=None, options=None, engine=None, xtb_code=None
    ):
        """Return a builder filled with the defaults of ``protocol``.

        :param code: the engine; for tblite and pyscf a Python that has it.
        :param molecule: a :class:`MoleculeSetData` of one molecule.
        :param protocol: ``fast`` (xTB), ``balanced`` (DFT at xTB geometries) or ``stringent`` (DFT optimisations).
        :param overrides: values in place of the protocol's; unknown keys raise.
        :param options: ``metadata.options`` of the jobs, such as ``resources``.
        :param engine: in place of the protocol's.
        :param xtb_code: a Python with tblite, needed by the engines that are programs.
        :raises OscError: when the protocol, a key or a level is unknown.
        """
        values = load_protocol('fourpoint', protocol, overrides)
        builder = fill_builder(cls.get_builder(), values, code, engine, xtb_code, options)
        builder.molecule = molecule
        return builder

    def setup(self):
        """Plan the calculations."""
        self.ctx.message = ''
        self.ctx.todo = [point.name for point in plan(self._settings())] if not self.is_batch() else []
        self.ctx.results, self.ctx.structures = {}, {}

    def is_batch(self):
        """Return whether the engine does the whole scheme in one job."""
        return self._settings().engine in BATCH_ENGINES

    def needs_start(self):
        """Return whether no structure was given."""
        return 'geometries' not in self.inputs

    def run_batch(self):
        """Submit the whole scheme as one job."""
        return ToContext(batch=self._batch('batch', self.inputs.code, self.inputs.parameters, self.inputs.options))

    def take_batch(self):
        """Take over what the job gave."""
        process = self.ctx.batch
        self.out_many({name: process.outputs[name] for name in OUTPUTS if name in process.outputs})
        if not process.is_finished_ok:
            self._fail('the job', process)

    def make_start(self):
        """Submit the scheme at xTB level: its structures are the start, its labels the last resort."""
        settings = self._settings()
        parameters = Dict({'engine': 'tblite', 'seed': settings.seed, 'settings': settings.settings})
        return ToContext(start=self._batch('start', self.inputs.xtb_code, parameters, self.inputs.xtb_options))

    def take_start(self):
        """Take over the structures of the xTB job."""
        process = self.ctx.start
        if 'geometries' in process.outputs and len(process.outputs.geometries.load()):
            self.ctx.geometries = process.outputs.geometries
            self.ctx.last_resort = process.outputs.labels
            return
        failures = process.outputs.results['failures'] if 'results' in process.outputs else {}
        self.ctx.no_start = next((item['reason'] for item in failures.values()), None) or process.exit_message or ''
        self.ctx.message = 'no start'

    def can_go_on(self):
        """Return whether nothing has failed."""
        return not self.ctx.message

    def pick(self):
        """Take the structures that the calculations start from."""
        geometries = self.inputs.geometries if 'geometries' in self.inputs else self.ctx.geometries
        metadata = {'call_link_label': 'pick', 'label': 'pick the structures to start from'}
        found = pick_structures(self.inputs.molecule, geometries, metadata=metadata)
        self.ctx.begin = found['neutral']
        if self._settings().geometry == XTB_GEOMETRY:
            self.ctx.structures = dict(found)

    def has_points(self):
        """Return whether a calculation is left."""
        return bool(self.ctx.todo) and self.can_go_on()

    def launch_points(self):
        """Submit the calculations whose structures are there, as many as may run at a time."""
        charges = [charge for charge, name in CHARGE_NAMES.items() if name in self.ctx.structures]
        ready = [name for name in self.ctx.todo if is_ready(Point.named(name), charges)]
        self.ctx.running = ready[: self.inputs.max_concurrent.value]
        self.ctx.todo = [name for name in self.ctx.todo if name not in self.ctx.running]
        return ToContext(**{name: self._submit(Point.named(name)) for name in self.ctx.running})

    def inspect_points(self):
        """Keep the results; stop at the first calculation that could not be saved."""
        for name in self.ctx.running:
            process, point = self.ctx[name], Point.named(name)
            if not process.is_finished_ok:
                self._fail(name, process)
                continue
            self.ctx.results[name] = process.outputs.results
            if point.driver == 'optimization':
                self.ctx.structures[CHARGE_NAMES[point.charge]] = process.outputs.structure

    def derive(self):
        """Make labels of the energies."""
        metadata = {'call_link_label': 'derive', 'label': 'derive the labels'}
        parameters = self.inputs.parameters
        outputs = derive_fourpoint(self.inputs.molecule, parameters, **self.ctx.results, metadata=metadata)
        self.out_many({name: outputs[name] for name in OUTPUTS})

    def finalize(self):
        """Say what there is, and which level it is of."""
        if 'no_start' in self.ctx:
            return self.exit_codes.ERROR_NO_START.format(message=self.ctx.no_start)
        if self.ctx.message:
            return self._after_failure()
        failures = self.outputs['results'].get_dict()['failures'] if 'results' in self.outputs else {}
        for item in failures.values():
            self.report(f'{item["smiles"]}: {item["reason"]}')
            return self.exit_codes.ERROR_NOT_PLAUSIBLE.format(reason=item['reason'])
        return None

    def _after_failure(self):
        values = {'name': self.ctx.failed, 'message': self.ctx.message}
        labels = self.ctx.get('last_resort')
        if labels is None or not labels.count:
            return self.exit_codes.ERROR_CALCULATION_FAILED.format(**values)
        self.report('the labels are those of xTB, at their own level')
        self.out('labels', labels)
        self.out('geometries', self.ctx.geometries)
        return self.exit_codes.ERROR_LAST_RESORT.format(**values)

    def _settings(self) -> FourPointSettings:
        return FourPointSettings.from_dict(self.inputs.parameters.get_dict())

    def _fail(self, name, process):
        self.ctx.failed = self.ctx.get('failed') or name
        self.ctx.message = self.ctx.message or process.exit_message or f'it is {process.process_state.value}'
        self.report(f'{name}, {process.process_label}<{process.pk}>, failed: {self.ctx.message}')

    def _batch(self, label, code, parameters, options):
        known = find_called(self.node, label)
        if known is not None:
            return known
        smiles = self.inputs.molecule.load().smiles[0]
        story = f'four-point scheme of {smiles} by {parameters["engine"]}'
        job = {
            'code': code,
            'molecules': self.inputs.molecule,
            'parameters': parameters,
            'metadata': {'label': story[:255], 'options': options.get_dict()},
        }
        metadata = {'call_link_label': label, 'label': story[:255]}
        return self.submit(FourPointBatchBaseWorkChain, batch=job, metadata=metadata)

    def _submit(self, point: Point):
        """Submit one calculation, or find the one that was submitted before the worker was lost."""
        known = find_called(self.node, point.name)
        if known is not None:
            return known
        settings = self._settings()
        where = self.ctx.begin if point.driver == 'optimization' else None
        if where is None or 'neutral' in self.ctx.structures:
            where = self.ctx.structures['neutral' if point.driver == 'optimization' else CHARGE_NAMES[point.at]]
        task = calculation(point, settings, _numbers(where))
        process, inputs = engine_process(settings.engine, self.inputs.code, where, task, self.inputs.options.get_dict())
        story = f'{point.name.replace("_", " ")}, {task.model.name}'
        inputs['metadata'] = {'call_link_label': point.name, 'label': story}
        return self.submit(process, **inputs)


def fill_builder(builder, values, code, engine, xtb_code, options):
    """Return the builder with what one molecule and many have in common.

    :param values: of the protocol.
    :raises OscError: when the engine cannot do what the protocol asks for.
    """
    builder.code = code
    if xtb_code is not None:
        builder.xtb_code = xtb_code
    builder.parameters = Dict(protocol_parameters(values['parameters'], engine))
    builder.options = Dict({**values['options'], **(options or {})})
    builder.xtb_options = Dict(values['xtb_options'])
    builder.max_concurrent = Int(values['max_concurrent'])
    return builder


def protocol_parameters(values: dict, engine: str | None) -> dict:
    """Return the parameters of a protocol for ``engine``; those of the protocol's own engine when it is None.

    :raises OscError: when the engine cannot do what the protocol asks for.
    """
    if engine == 'tblite' and values['engine'] != engine:  # its levels are not those of the protocol
        values = {key: value for key, value in values.items() if key not in ('energy', 'geometry')}
    values = {**values, 'engine': engine or values['engine']}
    FourPointSettings.from_dict(values)
    return values


def _numbers(structure) -> list[int]:
    from ase.data import atomic_numbers

    return [atomic_numbers[symbol] for symbol in read_structure(structure)[0]]
