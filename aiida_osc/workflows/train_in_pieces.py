"""What the training work chains share: ports, and the loop over pieces."""

from collections.abc import Callable

from aiida.engine import ToContext, WorkChain, if_, while_
from aiida.orm import AbstractCode, Dict, Int, Str

from aiida_osc.calculations.train import TrainCalculation, validate_pieces
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.errors import OscError
from aiida_osc.surrogate.selection import describe_choice
from aiida_osc.training.settings import FitSettings
from aiida_osc.workflows.adopt import find_called
from aiida_osc.workflows.base.train import TrainBaseWorkChain


class TrainInPiecesWorkChain(WorkChain):
    """Train a model in pieces, so that a crash costs one piece and progress can be seen.

    A piece is a calcfunction, which the daemon computes, or with a ``code`` a job on the computer of that code.

    Abstract: a leaf names its kind of model, its settings and the calcfunction that trains one piece, which it wraps in
    ``staticmethod``.
    """

    KIND: str
    NAME: str
    SETTINGS: type[FitSettings]
    TRAIN_PIECE: Callable
    #: Ports with the data, as far as they are given.
    DATA: tuple[str, ...] = ('molecules',)

    @classmethod
    def define(cls, spec):
        """Define ports, outline and exit codes."""
        super().define(spec)
        spec.input('molecules', valid_type=MoleculeSetData, help='Molecules to learn from, with their labels.')
        spec.input(
            'settings',
            valid_type=Dict,
            default=lambda: Dict({}),
            validator=settings_validator(cls.SETTINGS) if hasattr(cls, 'SETTINGS') else None,
            help=f'Keys of {getattr(cls, "SETTINGS", FitSettings).__name__}; what is not given has its default.',
        )
        spec.input('seed', valid_type=Int, default=lambda: Int(0), help='Seed of all random numbers.')
        spec.input(
            'checkpoint',
            valid_type=ModelData,
            required=False,
            validator=checkpoint_validator(cls.KIND, cls.NAME) if hasattr(cls, 'KIND') else None,
            help='An unfinished model to go on with, or a finished one for a warm start.',
        )
        define_remote(spec)
        spec.output('model', valid_type=ModelData, help='The finished model.')
        spec.outline(
            cls.setup,
            while_(cls.is_unfinished)(
                if_(cls.is_remote)(cls.submit_piece, cls.inspect_piece).else_(cls.train_piece),
            ),
            cls.finalize,
        )
        spec.exit_code(
            310, 'ERROR_TRAINING_FAILED', message='the model could not be trained: {reason}', invalidates_cache=True
        )

    def setup(self):
        """Begin with the given checkpoint, if any."""
        self.ctx.model = self.inputs.get('checkpoint')
        self.ctx.pieces = 0

    def is_unfinished(self):
        """Return whether another piece is to be trained; a finished checkpoint is a warm start."""
        return self.ctx.pieces == 0 or not self.ctx.model.finished

    def is_remote(self):
        """Return whether the pieces are jobs."""
        return 'code' in self.inputs

    def train_piece(self):
        """Train one piece and say where it ended."""
        try:
            model = self.TRAIN_PIECE(**self._piece_inputs(), metadata=self._metadata())['model']
        except OscError as exception:
            return self._fail(str(exception))
        return self._take(model)

    def submit_piece(self):
        """Submit the job of one piece, or find the one that was submitted before the worker was lost."""
        metadata = self._metadata()
        known = find_called(self.node, metadata['call_link_label'])
        if known is not None:
            return ToContext(job=known)
        options = self.inputs.options.get_dict() if 'options' in self.inputs else {}
        inputs = {
            **self._piece_inputs(),
            'code': self.inputs.code,
            'kind': Str(self.KIND),
            'pieces': self.inputs.get('pieces_per_job', None) or Int(1),
            'metadata': {'options': options, 'label': metadata['label']},
        }
        return ToContext(job=self.submit(TrainBaseWorkChain, train=inputs, metadata=metadata))

    def inspect_piece(self):
        """Take over the model of the job, or end with its reason; its last checkpoint is named."""
        job = self.ctx.job
        if job.is_finished_ok:
            return self._take(job.outputs.model)
        if 'model' in job.outputs:
            self.report(f'the last checkpoint is {job.outputs.model.pk}: give it as checkpoint to go on from there')
        return self._fail(job.exit_message or f'{job.process_label}<{job.pk}> was ended')

    def _piece_inputs(self):
        names = (name for name in (*self.DATA, 'settings', 'seed') if name in self.inputs)
        start = {} if self.ctx.model is None else {'checkpoint': self.ctx.model}
        return {**{name: self.inputs[name] for name in names}, **start}

    def _metadata(self):
        return {
            'label': f'{self.NAME}: piece {self.ctx.pieces + 1}',
            'call_link_label': f'piece_{self.ctx.pieces:03d}',
        }

    def _fail(self, reason):
        self.report(f'piece {self.ctx.pieces + 1} failed: {reason}')
        return self.exit_codes.ERROR_TRAINING_FAILED.format(reason=reason)

    def _take(self, model):
        """Keep the model of a piece and say where it ended."""
        self.ctx.model = model
        self.ctx.pieces += 1
        self.report(f'piece {self.ctx.pieces}: {_progress(model.base.attributes.get("progress"))}')

    def finalize(self):
        """Return the model and report its metrics."""
        choice = self.ctx.model.base.attributes.get('choice', {})
        if choice:
            self.report(describe_choice(choice))
        figures = [_figure(*item) for item in self.ctx.model.base.attributes.get('metrics').items()]
        self.report(', '.join(figures))
        self.out('model', self.ctx.model)


def define_remote(spec, prefix: str = '') -> None:
    """Add the ports that say where a model is trained.

    :param prefix: namespace of the ports with a dot behind it.
    """
    spec.input(
        f'{prefix}code',
        valid_type=AbstractCode,
        required=False,
        help='The command aiida-osc on a computer that trains, which needs no AiiDA; the daemon trains without it.',
    )
    spec.input(
        f'{prefix}options',
        valid_type=Dict,
        required=False,
        validator=validate_options,
        help='``metadata.options`` of the jobs, such as ``queue_name`` and ``max_wallclock_seconds``.',
    )
    spec.input(
        f'{prefix}pieces_per_job',
        valid_type=Int,
        required=False,
        validator=validate_pieces,
        help='Pieces of one job, 1 when not given; 0 for as many as its wall time allows.',
    )


def validate_options(node: Dict | None, _) -> str | None:
    """Return why the options are unusable, None when the job knows them all."""
    unknown = sorted(set(node.get_dict() if node else {}) - set(TrainCalculation.spec_options))
    return f'unknown option {unknown[0]!r}: use those of metadata.options, such as queue_name' if unknown else None


def _progress(progress: dict) -> str:
    """Return where the training stands."""
    if not progress['history']:
        return 'fitted without epochs'
    last = progress['history'][-1]
    return (
        f'epoch {progress["epoch"]} of {progress["epochs"]}, training loss {last["train_loss"]:.4f}, '
        f'watched loss {last["loss"]:.4f}, best in epoch {progress["best_epoch"]}'
    )


def _figure(name: str, values: dict) -> str:
    """Return the first figure of one metric, such as ``MAE of homo 0.21``."""
    key, value = ('mae', values['mae']) if 'mae' in values else next(iter(values.items()))
    return f'{name.split("@")[0]}{"" if key == "value" else f" {key}"} {value:.3g}'


def settings_validator(settings_class: type[FitSettings]) -> Callable:
    """Return the validator of a port whose keys are those of ``settings_class``."""

    def validate_settings(node: Dict, _) -> str | None:
        """Return what is wrong with the port ``settings``, or None."""
        try:
            settings_class.from_dict(node.get_dict())
        except OscError as exception:
            return str(exception)
        return None

    return validate_settings


def checkpoint_validator(kind: str, name: str) -> Callable:
    """Return the validator of a port that takes models of one kind."""

    def validate_checkpoint(node: ModelData | None, _) -> str | None:
        """Return what is wrong with the port ``checkpoint``, or None."""
        given = None if node is None else node.base.attributes.get('kind')
        return None if given in (None, kind) else f'the checkpoint is a model of kind {given!r}: give a {name}'

    return validate_checkpoint
