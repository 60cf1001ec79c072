"""Base of all settings objects."""

import math
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any, Self

from aiida_osc.errors import OscError


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
