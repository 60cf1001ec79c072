"""Defaults of the work chains as YAML: ``fast``, ``balanced`` and ``stringent``, each with a description."""

from copy import deepcopy
from importlib.resources import files
from typing import Any

import yaml

from aiida_osc.errors import OscError

PROTOCOLS = ('fast', 'balanced', 'stringent')


def load_protocol(
    workflow: str, protocol: str | None = None, overrides: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the inputs of ``protocol`` for ``workflow``, with ``overrides`` in place of its values.

    The file holds ``default_protocol``, ``common`` values and what each protocol changes in them. Sections that the
    file lists under ``open_sections`` may be given further keys; their own settings class checks them.

    :raises OscError: when the protocol or a key of the overrides is unknown.
    """
    content = yaml.safe_load(files(__name__).joinpath(f'{workflow}.yaml').read_text())
    name = protocol or content['default_protocol']
    if name not in content['protocols']:
        raise OscError(f'unknown protocol {name!r}: use one of {", ".join(content["protocols"])}')
    changes = {key: value for key, value in content['protocols'][name].items() if key != 'description'}
    values = _update(content['common'], changes, content['open_sections'])
    return _update(values, overrides or {}, content['open_sections'])


def describe_protocols(workflow: str) -> dict[str, str]:
    """Return the description of each protocol of ``workflow``."""
    content = yaml.safe_load(files(__name__).joinpath(f'{workflow}.yaml').read_text())
    return {name: ' '.join(values['description'].split()) for name, values in content['protocols'].items()}


def _update(
    values: dict[str, Any], changes: dict[str, Any], open_sections: list[str], path: tuple[str, ...] = ()
) -> dict[str, Any]:
    result = deepcopy(values)
    is_open = '.'.join(path) in open_sections
    for key, change in changes.items():
        here = '.'.join((*path, str(key)))
        if key not in values and not is_open:
            raise OscError(f'unknown key {here!r}: use one of {", ".join(map(str, values))}')
        if isinstance(values.get(key), dict) and here not in open_sections and isinstance(change, dict):
            result[key] = _update(values[key], change, open_sections, (*path, str(key)))
        elif isinstance(values.get(key), dict) and isinstance(change, dict):
            result[key] = {**values[key], **deepcopy(change)}
        else:
            result[key] = deepcopy(change)
    return result
