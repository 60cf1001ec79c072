"""The known data sets by name; the module of a set is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from aiida_osc.errors import OscError

if TYPE_CHECKING:
    from aiida_osc.datasets.sources.source import Source

SOURCES = (
    'cep',
    'cepdb',
    'csce',
    'da_dimers',
    'hopv15',
    'nfa',
    'ocelot',
    'oe62',
    'pachqa',
    'qm9',
    'qmugs',
    'seed',
    'xyz_folder',
)


def names() -> tuple[str, ...]:
    """Return the names of all sources."""
    return SOURCES


def get_source(name: str) -> 'Source':
    """Return the source of that name.

    :raises OscError: when there is none.
    """
    if name not in SOURCES:
        raise OscError(f'unknown source {name!r}: use one of {", ".join(SOURCES)}')
    source: Source = import_module(f'aiida_osc.datasets.sources.{name}').SOURCE
    return source
