"""The command line as a whole: quick, complete, documented."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiida_osc.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent.parent
GENERATOR = ROOT / 'docs' / 'generate_cli_reference.py'
HEAVY = ('aiida', 'torch', 'rdkit', 'numpy', 'matplotlib', 'scipy')


def loaded_modules(*arguments: str) -> list[str]:
    """Return which heavy modules a run of the command imports."""
    program = (
        'import sys\nfrom aiida_osc.cli import main\n'
        f'try:\n    main({list(arguments)!r})\nexcept SystemExit as stop:\n    assert not stop.code\n'
        f'print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)'
    )
    outcome = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True)
    return outcome.stderr.splitlines()[-1]


def test_help_imports_nothing_heavy():
    assert loaded_modules('--help') == '[]'


@pytest.mark.parametrize('name', COMMANDS)
def test_help_of_each_command_imports_nothing_heavy(name):
    assert loaded_modules(name, '--help') == '[]'


def load_generator():
    spec = importlib.util.spec_from_file_location('generate_cli_reference', GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_and_option_has_help_and_is_documented():
    page = (ROOT / 'docs' / 'reference' / 'cli.md').read_text()
    missing = []
    for path, command, _ in load_generator().commands(main, ('aiida-osc',)):
        name = ' '.join(path)
        assert command.help, f'{name} has no help'
        section = page.partition(f'## {name}\n')[2].partition('\n## ')[0]
        missing += [] if section else [name]
        for parameter in command.params:
            if parameter.param_type_name == 'option':
                assert parameter.help, f'{name} {parameter.opts[0]} has no help'
                missing += [] if parameter.opts[0] in section else [f'{name} {parameter.opts[0]}']
    assert missing == [], 'run: make reference'


def test_bad_input_is_one_sentence():
    outcome = CliRunner().invoke(main, ['predict', '--model', 'no/such/model', 'nothing.csv', '--out', 'out.csv'])
    assert outcome.exit_code != 0
    assert 'Traceback' not in outcome.output
    assert outcome.output.strip()


def test_version():
    from aiida_osc import __version__

    assert CliRunner().invoke(main, ['--version']).output == f'aiida-osc, version {__version__}\n'
