"""WorkChain: train a surrogate, piece by piece."""

from aiida.engine import WorkChain, while_
from aiida.orm import Dict, Int

from aiida_osc.calculations.functions.train_surrogate import train_surrogate
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.errors import OscError
from aiida_osc.surrogate.settings import SurrogateSettings


def validate_settings(node: Dict, _) -> str | None:
    """Return what is wrong with the port ``settings``, or None."""
    try:
        SurrogateSettings.from_dict(node.get_dict())
    except OscError as exception:
        return str(exception)
    return None


def validate_checkpoint(node: ModelData | None, _) -> str | None:
    """Return what is wrong with the port ``checkpoint``, or None."""
    kind = None if node is None else node.base.attributes.get('kind')
    return None if kind in (None, 'surrogate') else f'the checkpoint is a model of kind {kind!r}: give a surrogate'


class TrainSurrogateWorkChain(WorkChain):
    """Train a surrogate in pieces, so that a crash costs one piece and progress can be seen."""

    @classmethod
    def define(cls, spec):
        """Define ports, outline and exit codes."""
        super().define(spec)
        spec.input('molecules', valid_type=MoleculeSetData, help='Labelled molecules.')
        spec.input(
            'settings',
            valid_type=Dict,
            default=lambda: Dict({}),
            validator=validate_settings,
            help='Keys of SurrogateSettings; what is not given has its default.',
        )
        spec.input('seed', valid_type=Int, default=lambda: Int(0), help='Seed of all random numbers.')
        spec.input(
            'checkpoint',
            valid_type=ModelData,
            required=False,
            validator=validate_checkpoint,
            help='An unfinished model to go on with, or a finished one for a warm start.',
        )
        spec.output('model', valid_type=ModelData, help='The calibrated surrogate.')
        spec.outline(cls.setup, while_(cls.is_unfinished)(cls.train_piece), cls.finalize)
        spec.exit_code(
            310, 'ERROR_TRAINING_FAILED', message='no surrogate could be trained: {reason}', invalidates_cache=True
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
            'label': f'surrogate: piece {self.ctx.pieces + 1}',
            'call_link_label': f'piece_{self.ctx.pieces:03d}',
        }
        inputs = {name: self.inputs[name] for name in ('molecules', 'settings', 'seed')}
        try:
            self.ctx.model = train_surrogate(**inputs, **start, metadata=metadata)['model']
        except OscError as exception:
            self.report(f'piece {self.ctx.pieces + 1} failed: {exception}')
            return self.exit_codes.ERROR_TRAINING_FAILED.format(reason=str(exception))
        self.ctx.pieces += 1
        progress = self.ctx.model.base.attributes.get('progress')
        last = progress['history'][-1] if progress['history'] else {'train_loss': float('nan'), 'loss': float('nan')}
        self.report(
            f'piece {self.ctx.pieces}: epoch {progress["epoch"]} of {progress["epochs"]}, '
            f'training loss {last["train_loss"]:.4f}, validation {last["loss"]:.4f}, '
            f'best in epoch {progress["best_epoch"]}'
        )
        return None

    def finalize(self):
        """Return the model and report its metrics."""
        metrics = self.ctx.model.base.attributes.get('metrics')
        for column, values in metrics.items():
            self.report(f'{column}: MAE {values["mae"]:.3f} on {values["n"]} molecules ({values["split"]})')
        self.out('model', self.ctx.model)
