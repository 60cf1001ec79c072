"""What the training work chains share: ports, and the loop over pieces."""

from collections.abc import Callable

from aiida.engine import WorkChain, while_
from aiida.orm import Dict, Int

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.errors import OscError
from aiida_osc.surrogate.selection import describe_choice
from aiida_osc.training.settings import FitSettings


class TrainInPiecesWorkChain(WorkChain):
    """Train a model in pieces, so that a crash costs one piece and progress can be seen.

    Abstract: a leaf names its kind of model, its settings and the calcfunction that trains one piece, which it wraps in
    ``staticmethod``.
    """

    KIND: str
    NAME: str
    SETTINGS: type[FitSettings]
    TRAIN_PIECE: Callable
    #: Ports with the data.
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
        spec.output('model', valid_type=ModelData, help='The finished model.')
        spec.outline(cls.setup, while_(cls.is_unfinished)(cls.train_piece), cls.finalize)
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

    def train_piece(self):
        """Train one piece and say where it ended."""
        start = {} if self.ctx.model is None else {'checkpoint': self.ctx.model}
        metadata = {
            'label': f'{self.NAME}: piece {self.ctx.pieces + 1}',
            'call_link_label': f'piece_{self.ctx.pieces:03d}',
        }
        inputs = {name: self.inputs[name] for name in (*self.DATA, 'settings', 'seed')}
        try:
            self.ctx.model = self.TRAIN_PIECE(**inputs, **start, metadata=metadata)['model']
        except OscError as exception:
            self.report(f'piece {self.ctx.pieces + 1} failed: {exception}')
            return self.exit_codes.ERROR_TRAINING_FAILED.format(reason=str(exception))
        self.ctx.pieces += 1
        self.report(f'piece {self.ctx.pieces}: {_progress(self.ctx.model.base.attributes.get("progress"))}')
        return None

    def finalize(self):
        """Return the model and report its metrics."""
        choice = self.ctx.model.base.attributes.get('choice', {})
        if choice:
            self.report(describe_choice(choice))
        figures = [_figure(*item) for item in self.ctx.model.base.attributes.get('metrics').items()]
        self.report(', '.join(figures))
        self.out('model', self.ctx.model)


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
