"""Every entry point loads, and says what it is for as ``verdi plugin list`` shows it."""

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from aiida.engine import BaseRestartWorkChain, CalcJob

GROUPS = ('aiida.data', 'aiida.calculations', 'aiida.parsers', 'aiida.workflows')
PROJECT = tomllib.loads((Path(__file__).parent.parent / 'pyproject.toml').read_text())['project']
DECLARED = [(group, name, value) for group in GROUPS for name, value in PROJECT['entry-points'][group].items()]
PORTS_OF_AIIDA = {
    name
    for process in (CalcJob, BaseRestartWorkChain)
    for ports in (process.spec().inputs, process.spec().outputs)
    for name in ports
}
PROCESSES = [(group, name) for group, name, _ in DECLARED if group in ('aiida.calculations', 'aiida.workflows')]


@pytest.mark.parametrize(('group', 'name', 'value'), DECLARED, ids=[name for _, name, _ in DECLARED])
def test_entry_point_is_installed_and_loads(group, name, value):
    (installed,) = entry_points(group=group, name=name)
    assert installed.value == value, 'install again: pip install -e .'
    loaded = installed.load()
    assert (loaded.__doc__ or '').strip(), f'{value} has no docstring'


@pytest.mark.parametrize(('group', 'name', 'value'), DECLARED, ids=[name for _, name, _ in DECLARED])
def test_entry_point_name_is_the_place_of_the_module(group, name, value):
    """``osc.label`` lies in ``workflows/label.py``; calcfunctions have their own folder."""
    module = value.split(':')[0]
    assert name.startswith('osc.')
    assert module.endswith('.' + name.removeprefix('osc.'))
    assert module.startswith('aiida_osc.' + group.removeprefix('aiida.'))


def process_spec(group: str, name: str):
    (entry_point,) = entry_points(group=group, name=name)
    return entry_point.load().spec()


def ports_without_help(namespace, path=''):
    """Yield the paths of the ports below a namespace that have no help; those that AiiDA defines are left out."""
    for name, port in namespace.items():
        here = f'{path}.{name}' if path else name
        if name in PORTS_OF_AIIDA:
            continue
        if hasattr(port, 'items'):
            yield from ports_without_help(port, here)
        elif not (port.help or '').strip():
            yield here


@pytest.mark.parametrize(('group', 'name'), PROCESSES, ids=[name for _, name in PROCESSES])
def test_every_port_and_exit_code_has_help(group, name):
    spec = process_spec(group, name)
    (entry_point,) = entry_points(group=group, name=name)
    if hasattr(entry_point.load(), 'is_process_function'):
        # AiiDA takes help from the docstring; the outputs of a function are dynamic.
        assert (spec.inputs.help or entry_point.load().__doc__).strip()
        assert list(ports_without_help(spec.inputs)) == []
        return
    assert list(ports_without_help(spec.inputs)) == []
    assert list(ports_without_help(spec.outputs)) == []
    for label, code in spec.exit_codes.items():
        if code.status >= 200:  # below, AiiDA's own
            assert len(code.message.split()) > 2, f'{label} says too little: {code.message!r}'


@pytest.mark.parametrize(('group', 'name'), PROCESSES, ids=[name for _, name in PROCESSES])
def test_exit_codes_have_one_number_each(group, name):
    statuses = [code.status for code in process_spec(group, name).exit_codes.values()]
    assert len(statuses) == len(set(statuses))


def test_script_is_installed():
    (script,) = entry_points(group='console_scripts', name='aiida-osc')
    assert script.load().name in ('main', 'aiida-osc')
