"""Settings that every training shares."""

import math
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any, Self

from aiida_osc.errors import OscError

AMP = ('auto', 'on', 'off')
COMPILE_MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')


@dataclass(frozen=True)
class Settings:
    """Base of settings objects: one level deep, made from JSON, unknown keys refused."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the settings with ``values`` in place of the defaults.

        :raises OscError: when a key is unknown or missing, or a value of another type.
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise OscError(f'unknown settings {", ".join(unknown)}: use {", ".join(sorted(known))}')
        missing = [
            item.name
            for item in fields(cls)
            if item.default is item.default_factory is MISSING and item.name not in values
        ]
        if missing:
            raise OscError(f'settings {", ".join(missing)} are missing')
        return cls(**{item.name: _checked(item, values[item.name]) for item in fields(cls) if item.name in values})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


def _checked(item: Field, value: Any) -> Any:
    """Return ``value`` in the type of the field, as JSON stores may turn 1.0 into 1.

    :raises OscError: when it is of another type.
    """
    kind = item.type
    if kind not in (bool, int, float, str):
        return value
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise OscError(f'setting {item.name} is {value!r}: give a value of type {kind.__name__}')
    return value


@dataclass(frozen=True)
class FitSettings(Settings):
    """What the training loop itself needs.

    :param epochs: epochs of the whole training.
    :param piece_epochs: epochs of one piece, after which a checkpoint is returned; 0 for all in one piece.
    :param patience: epochs without improvement of the validation loss before training stops; 0 for never.
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
        for name, allowed in (('amp', AMP), ('compile_mode', COMPILE_MODES)):
            if getattr(self, name) not in allowed:
                raise OscError(f'setting {name} is {getattr(self, name)!r}: give one of {", ".join(allowed)}')
