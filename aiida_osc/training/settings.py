"""Settings that every training shares."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from aiida_osc.errors import OscError


@dataclass(frozen=True)
class Settings:
    """Base of settings objects: one level deep, made from JSON, unknown keys refused."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the settings with ``values`` in place of the defaults.

        :raises OscError: when a key is unknown.
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise OscError(f'unknown settings {", ".join(unknown)}: use {", ".join(sorted(known))}')
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class FitSettings(Settings):
    """What the training loop itself needs.

    :param epochs: epochs of the whole training.
    :param piece_epochs: epochs of one piece, after which a checkpoint is returned; 0 for all in one piece.
    :param patience: epochs without improvement of the validation loss before training stops; 0 for never.
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
    device: str = 'auto'
    amp: str = 'off'
    compile: bool = False
    compile_mode: str = 'default'
