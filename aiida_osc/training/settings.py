"""Settings that every training shares."""

from dataclasses import dataclass, replace
from typing import Self

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

AMP = ('auto', 'on', 'off')
COMPILE_MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')


@dataclass(frozen=True)
class FitSettings(Settings):
    """What the training loop itself needs.

    :param epochs: epochs of the whole training.
    :param piece_epochs: epochs of one piece, after which a checkpoint is returned; 0 for all in one piece.
    :param patience: epochs without improvement of the validation loss before training stops; 0 for never.
    :param ema: decay of the running mean of the weights that is kept in place of them; 0 for none.
    :param threads: CPU threads; 0 for torch's own choice, which makes the last digits depend on the machine.
    :param device: ``auto``, ``cpu``, ``cuda`` or another torch device.
    :param amp: bfloat16 autocast: ``auto`` uses it where the hardware has it, ``on`` or ``off`` decide.
    :param compile: pass the model through ``torch.compile``.
    """

    epochs: int = 50
    piece_epochs: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip_norm: float = 5.0
    patience: int = 0
    ema: float = 0.0
    threads: int = 1
    device: str = 'auto'
    amp: str = 'off'
    compile: bool = False
    compile_mode: str = 'default'

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value is out of range.
        """
        for name in ('epochs', 'piece_epochs', 'batch_size', 'patience', 'threads', 'weight_decay'):
            if getattr(self, name) < 0:
                raise OscError(f'setting {name} is {getattr(self, name)}: give 0 or more')
        for name in ('learning_rate', 'clip_norm'):
            if not getattr(self, name) > 0:
                raise OscError(f'setting {name} is {getattr(self, name)}: give more than 0')
        if not 0 <= self.ema < 1:
            raise OscError(f'setting ema is {self.ema}: give a number in [0, 1)')
        for name, allowed in (('amp', AMP), ('compile_mode', COMPILE_MODES)):
            if getattr(self, name) not in allowed:
                raise OscError(f'setting {name} is {getattr(self, name)!r}: give one of {", ".join(allowed)}')

    def essence(self) -> Self:
        """Return the settings without those that may change between two pieces of one training."""
        same = replace(self, piece_epochs=0, threads=1, device='auto')
        return replace(same, amp='auto', compile=False, compile_mode='default')
