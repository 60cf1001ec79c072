"""The loop: generate, predict, select, compute, retrain, until the budget is spent."""

from aiida.engine import ToContext, WorkChain, while_
from aiida.orm import Dict, Int
from aiida.plugins import CalculationFactory, WorkflowFactory

from aiida_osc.active_learning.refresh import RefreshSettings
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.errors import OscError
from aiida_osc.generator.sample_settings import ASCENT
from aiida_osc.workflows.adopt import find_called
from aiida_osc.workflows.discovery_inputs import passed_gate
from aiida_osc.workflows.discovery_ports import define_inputs
from aiida_osc.workflows.protocols import load_protocol

#: Iterations in a row without a single new label after which the loop gives up.
PATIENCE = 2

LabelWorkChain = WorkflowFactory('osc.label')
TrainJtvaeWorkChain = WorkflowFactory('osc.train_jtvae')
TrainSurrogateWorkChain = WorkflowFactory('osc.train_surrogate')


class DiscoveryWorkChain(WorkChain):
    """Discover organic semiconductors by active learning with a generator, a surrogate and quantum chemistry."""

    @classmethod
    def define(cls, spec):
        """Declare inputs, outline, outputs and exit codes."""
        super().define(spec)
        define_inputs(spec, LabelWorkChain)
        spec.outline(
            cls.setup,
            cls.train,
            while_(cls.has_budget)(
                cls.generate,
                cls.predict,
                cls.select,
                cls.draw_structures,
                cls.label,
                cls.collect,
                cls.train,
            ),
            cls.finalize,
        )

        spec.output('molecules', valid_type=MoleculeSetData, help='All molecules with all labels.')
        spec.output('surrogate', valid_type=ModelData, help='The last surrogate.')
        spec.output('generator', valid_type=ModelData, help='The last generator.')
        spec.output('promoted', valid_type=MoleculeSetData, help='Computed molecules inside the promotion windows.')
        spec.output('promotion', valid_type=Dict, help='Which family each promoted molecule belongs to.')
        spec.output('history', valid_type=Dict, help='Figures of every iteration.')

        spec.exit_code(
            501, 'ERROR_TRAINING_FAILED', message='A model could not be trained; see the report of {process}.'
        )
        spec.exit_code(
            502,
            'ERROR_NO_LABELS',
            message='No molecule could be computed in {iterations} iterations in a row; see "aiida-osc doctor".',
        )
        spec.exit_code(503, 'ERROR_STEP_FAILED', message='The step "{step}" failed: {reason}')

    @classmethod
    def get_builder_from_protocol(
        cls,
        code,
        molecules,
        protocol=None,
        overrides=None,
        seed=0,
        options=None,
        xtb_code=None,
        diffusion=None,
        generator=None,
    ):
        """Return a builder filled with the defaults of ``protocol``.

        :param code: the code of the labelling jobs.
        :param molecules: the labelled :class:`MoleculeSetData` to start from.
        :param protocol: ``fast``, ``balanced`` or ``stringent``.
        :param overrides: values in place of the protocol's; unknown keys raise.
        :param options: ``metadata.options`` of the labelling jobs, such as ``resources``.
        :param xtb_code: a Python with tblite, for engines that need geometries to start from.
        :param diffusion: the :class:`ModelData` that draws start structures; they are embedded without one.
        :param generator: the :class:`ModelData` that proposes the first molecules; one is trained without it.
        :raises OscError: when the protocol or a key is unknown.
        """
        values = load_protocol('discovery', protocol, overrides)
        builder = cls.get_builder()
        builder.molecules = molecules
        builder.seed = Int(seed)
        builder.budget = Dict(values['budget'])
        for name in ('surrogate', 'generator', 'refresh', 'generation', 'selection', 'geometries', 'promotion'):
            builder.settings[name] = Dict(values[name])
        for name, model in (('diffusion', diffusion), ('generator', generator)):
            if model is not None:
                builder[name] = model
        builder.label.code = code
        if xtb_code is not None:
            builder.label.xtb_code = xtb_code
        builder.label.parameters = Dict(values['label']['parameters'])
        builder.label.options = Dict({**values['label']['options'], **(options or {})})
        builder.label.chunk_size = Int(values['label']['chunk_size'])
        builder.label.max_concurrent = Int(values['label']['max_concurrent'])
        return builder

    def setup(self):
        """Start with what was given."""
        self.ctx.iteration = 0
        self.ctx.computed = 0
        self.ctx.without_labels = 0
        self.ctx.exhausted = False
        self.ctx.molecules = self.inputs.molecules
        self.ctx.excluded = {}
        self.ctx.history = {'labels_00': self.inputs.molecules}
        self.ctx.surrogate = self.inputs.get('surrogate')
        self.ctx.generator = self.inputs.get('generator')
        if self.ctx.generator is not None:
            self._say(f'the first proposals are those of the generator {self.ctx.generator.label!r} that was given')

    def train(self):
        """Train the surrogate and, when it is due, the generator beside it."""
        running = {}
        first = self.ctx.iteration == 0
        if not first or self.ctx.surrogate is None:
            running['surrogate_training'] = self._submit_training(
                'train_surrogate', TrainSurrogateWorkChain, 'surrogate'
            )
        every = self.inputs.budget['generator_every']
        due = self.ctx.iteration % every == 0 if every else False
        if (first and self.ctx.generator is None) or (not first and due and self._may_go_on()):
            running['generator_training'] = self._submit_training('train_jtvae', TrainJtvaeWorkChain, 'generator')
        return ToContext(**running)

    def has_budget(self):
        """Take over the trained models and decide whether another iteration begins."""
        for name in ('surrogate', 'generator'):
            training = self.ctx.pop(f'{name}_training', None)
            if training is None:
                continue
            if training.is_finished_ok:
                self.ctx[name] = training.outputs.model
            elif self.ctx[name] is None:
                self.ctx.failure = training.pk
                return False
            else:
                reason = training.exit_message or 'no reason was given'
                self.report(f'{training.process_label}<{training.pk}> failed, the {name} of before stays: {reason}')
        return self._may_go_on()

    def generate(self):
        """Let the generator propose molecules that are neither known nor pending nor failed."""
        self.ctx.iteration += 1
        outputs = self._call(
            'osc.sample_molecules',
            'generate',
            'propose molecules',
            model=self.ctx.generator,
            settings=self.inputs.settings.generation,
            seed=self._seed(),
            promotion=self.inputs.settings.promotion,
            known=self.ctx.molecules,
            **self._climbing(),
            **self.ctx.excluded,
        )
        if outputs is None:
            return self._stop('generate')
        self.ctx.generated = outputs['molecules']
        self._record('generated', outputs['molecules'])
        self._say(f'the generator proposed {self.ctx.generated.count} new molecules')
        reason = outputs['report']['reason']
        if reason:
            self._say(reason)
        return None

    def predict(self):
        """Predict the properties of the proposals with uncertainties."""
        outputs = self._call(
            'osc.predict', 'predict', 'predict properties', model=self.ctx.surrogate, molecules=self.ctx.generated
        )
        if outputs is None:
            return self._stop('predict')
        self.ctx.mean, self.ctx.sigma = outputs['mean'], outputs['sigma']
        for name, node in (('mean', self.ctx.mean), ('sigma', self.ctx.sigma), ('model', self.ctx.surrogate)):
            self._record(name, node)
        known = outputs['domain'].get_array('in_domain')
        self._say(f'{known.sum()} of {len(known)} lie in the domain of the surrogate')
        return None

    def select(self):
        """Pick a diverse batch by acquisition, and a random control when the settings ask for one."""
        settings = self.inputs.settings.selection
        left = self.inputs.budget['molecules'] - self.ctx.computed
        if left < settings['size']:
            settings = Dict({**settings.get_dict(), 'size': left})
        outputs = self._call(
            'osc.select_batch',
            'select',
            'select a batch',
            mean=self.ctx.mean,
            sigma=self.ctx.sigma,
            settings=settings,
            seed=self._seed(),
            promotion=self.inputs.settings.promotion,
            known=self.ctx.molecules,
            **self.ctx.excluded,
        )
        if outputs is None:
            return self._stop('select')
        self.ctx.batches = {name: outputs[name] for name in ('batch', 'control') if name in outputs}
        for name, node in self.ctx.batches.items():
            self._record(name, node)
            self.ctx.excluded[f'{name}_{self.ctx.iteration:02d}'] = node
        self.ctx.exhausted = self.ctx.batches['batch'].count == 0
        sizes = ' and '.join(f'{node.count} in the {name}' for name, node in self.ctx.batches.items())
        self._say(f'selected {sizes}')
        return None

    def draw_structures(self):
        """Draw start structures of what is computed, where there is a model that has passed its gate."""
        self.ctx.structures = {}
        if 'diffusion' not in self.inputs:
            return
        if not passed_gate(self.inputs.diffusion):
            self._say('the diffusion model has not passed its gate, start structures are embedded instead')
            return
        for name, node in self.ctx.batches.items():
            if node.count:
                self._draw(name, node)

    def label(self):
        """Compute the batch, and the control beside it."""
        running = {}
        for name, node in self.ctx.batches.items():
            if not node.count:
                continue
            step = 'label' if name == 'batch' else 'label_control'
            what = (
                f'compute {node.count} molecules' if name == 'batch' else f'compute {node.count} at random, to compare'
            )
            running[f'{step}_process'] = self._submit_step(LabelWorkChain, step, what, **self._label_inputs(name))
        return ToContext(**running)

    def collect(self):
        """Merge the new labels into the known ones; the control stays apart, for the comparison to be fair."""
        process = self.ctx.pop('label_process', None)
        for prefix, source in (('', process), ('control_', self.ctx.pop('label_control_process', None))):
            for name in ('labels', 'failures'):
                if source is not None and name in source.outputs:
                    self._record(f'{prefix}{name}', source.outputs[name])
        self.ctx.computed += self.ctx.batches['batch'].count
        if process is None or 'labels' not in process.outputs or not process.outputs.labels.count:
            self.ctx.without_labels += 1
            self._say('no new label')
            return None
        self.ctx.without_labels = 0
        outputs = self._call(
            'osc.merge', 'collect', 'add the new labels', known=self.ctx.molecules, labels=process.outputs.labels
        )
        if outputs is None:
            return self._stop('collect')
        self.ctx.molecules = outputs['molecules']
        done, asked = process.outputs.labels.count, self.ctx.batches['batch'].count
        self._say(f'{done} of {asked} molecules computed, {self.ctx.molecules.count} known')
        return None

    def finalize(self):
        """Promote candidates, write the history and hand out the results."""
        self._hand_out()
        if 'failure' in self.ctx:
            return self.exit_codes.ERROR_TRAINING_FAILED.format(process=self.ctx.failure)
        promotion = self.inputs.settings.promotion
        promoted = self._call(
            'osc.promote', 'promote', 'promote candidates', molecules=self.ctx.molecules, settings=promotion
        )
        history = self._call(
            'osc.record_history',
            'history',
            'write the history',
            settings=promotion,
            selection=self.inputs.settings.selection,
            **self.ctx.history,
        )
        if promoted is None or history is None:
            return self._stop('finalize')
        self.out('promoted', promoted['promoted'])
        self.out('promotion', promoted['report'])
        self.out('history', history['history'])
        self.report(f'{self.ctx.computed} molecules computed, {promoted["promoted"].count} candidates promoted')
        if self.ctx.without_labels >= PATIENCE:
            return self.exit_codes.ERROR_NO_LABELS.format(iterations=PATIENCE)
        return None

    def _label_inputs(self, name):
        """Return the inputs of the labelling of a batch, with its start structures where some were drawn."""
        inputs = {**self.exposed_inputs(LabelWorkChain, 'label'), 'molecules': self.ctx.batches[name]}
        if name in self.ctx.structures:
            inputs['geometries'] = self.ctx.structures[name]
        return inputs

    def _draw(self, name, molecules):
        """Draw the structures of a batch; without them its molecules are embedded, so a failure stops nothing."""
        step = 'draw' if name == 'batch' else 'draw_control'
        outputs = self._call(
            'osc.sample_geometries',
            step,
            f'draw {molecules.count} start structures',
            molecules=molecules,
            settings=self.inputs.settings.geometries,
            seed=self._seed(),
            model=self.inputs.diffusion,
        )
        if outputs is None:
            self._say(f'no start structures could be drawn: {self.ctx.reason}')
            return
        self.ctx.structures[name] = outputs['geometries']
        counts = ', '.join(f'{count} by {origin}' for origin, count in outputs['report']['counts'].items())
        self._say(f'start structures of the {name}: {counts}')

    def _may_go_on(self):
        budget = self.inputs.budget
        spent = self.ctx.iteration >= budget['iterations'] or self.ctx.computed >= budget['molecules']
        return not (spent or self.ctx.exhausted or self.ctx.without_labels >= PATIENCE)

    def _climbing(self):
        """Return what an ascent needs besides the generator."""
        if self.inputs.settings.generation.get('strategy') != ASCENT:
            return {}
        return {'surrogate': self.ctx.surrogate, 'selection': self.inputs.settings.selection}

    def _training_settings(self, name):
        """Return the settings of a training; a generator that is there already is refreshed."""
        settings = self.inputs.settings[name]
        if name != 'generator' or self.ctx.generator is None:
            return settings
        number = self.ctx.iteration // self.inputs.budget['generator_every'] - 1
        schedule = RefreshSettings.from_dict(self.inputs.settings.refresh.get_dict())
        return Dict(schedule.training(settings.get_dict(), self.inputs.settings.selection.get_dict(), number))

    def _submit_training(self, step, process_class, name):
        return self._submit_step(
            process_class,
            step,
            f'train the {name}',
            molecules=self.ctx.molecules,
            settings=self._training_settings(name),
            seed=self._seed(),
            **self.inputs.get('training', {}),
            **({} if self.ctx[name] is None else {'checkpoint': self.ctx[name]}),
        )

    def _submit_step(self, process_class, step, label, **inputs):
        """Submit a work chain as a step of this iteration, or find the one submitted before the worker was lost."""
        metadata = self._metadata(step, label)
        known = find_called(self.node, metadata['call_link_label'])
        return known or self.submit(process_class, **inputs, metadata=metadata)

    def _call(self, entry_point, step, label, **inputs):
        """Run a calcfunction as a step of this iteration and return its outputs, None when it refused its inputs."""
        try:
            return CalculationFactory(entry_point)(**inputs, metadata=self._metadata(step, label))
        except OscError as exception:
            self.ctx.reason = str(exception)
            return None

    def _hand_out(self):
        """Give out what there is, so that nothing computed is lost when the loop ends early."""
        for name in ('molecules', 'surrogate', 'generator'):
            if self.ctx[name] is not None:
                self.out(name, self.ctx[name])

    def _stop(self, step):
        self._hand_out()
        return self.exit_codes.ERROR_STEP_FAILED.format(step=step, reason=self.ctx.reason)

    def _metadata(self, step, label):
        if step in ('promote', 'history'):
            return {'call_link_label': step, 'label': label}
        return {
            'call_link_label': f'iteration_{self.ctx.iteration:02d}_{step}',
            'label': f'iteration {self.ctx.iteration}: {label}',
        }

    def _say(self, text):
        self.report(f'iteration {self.ctx.iteration}: {text}')

    def _record(self, name, node):
        self.ctx.history[f'{name}_{self.ctx.iteration:02d}'] = node

    def _seed(self):
        return Int(self.inputs.seed.value + self.ctx.iteration)
