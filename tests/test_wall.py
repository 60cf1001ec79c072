"""The wall: no science module imports AiiDA, and no layer imports the one above it."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import aiida_osc

PACKAGE = Path(aiida_osc.__file__).parent
ABOVE_THE_WALL = {'data', 'calculations', 'parsers', 'workflows', 'provenance', 'cli'}
# Each may import those before it in this list and itself, of what lies above the wall.
LAYERS = [{'data'}, {'calculations', 'parsers'}, {'workflows'}, {'cli', 'provenance'}]

IMPORT_ALL = """
import importlib, json, sys, traceback

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'aiida':
            raise ImportError('the wall: a science module imports ' + name)

sys.meta_path.insert(0, Wall())
broken = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except BaseException:
        broken[name] = traceback.format_exc().splitlines()[-1]
print(json.dumps(broken))
"""


def module_names() -> dict[str, Path]:
    """Return ``{dotted name: file}`` of all modules of the package."""
    names = {}
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = [PACKAGE.name, *path.relative_to(PACKAGE).with_suffix('').parts]
        names['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return names


def subpackage(name: str) -> str:
    """Return the part of the package to which a module belongs; '' for those at the top."""
    return name.split('.')[1] if '.' in name else ''


def test_science_modules_import_without_aiida():
    science = [name for name in module_names() if subpackage(name) not in ABOVE_THE_WALL]
    assert 'aiida_osc.training.loop' in science
    outcome = subprocess.run(
        [sys.executable, '-c', IMPORT_ALL, json.dumps(science)], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout.splitlines()[-1]) == {}


def imported_modules(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, wherever in the file it does."""
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def is_above_the_wall(name: str) -> bool:
    """Return whether a module is AiiDA or one of ours that may import it."""
    package = name.split('.')[0]
    return package == 'aiida' or (package == 'aiida_osc' and subpackage(name) in ABOVE_THE_WALL)


def test_science_imports_nothing_above_the_wall_even_inside_functions():
    broken = [
        (name, imported)
        for name, path in module_names().items()
        if subpackage(name) not in ABOVE_THE_WALL
        for imported in imported_modules(path)
        if is_above_the_wall(imported)
    ]
    assert broken == []


def test_layers_above_the_wall_import_downwards():
    rank = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    broken = [
        (name, imported)
        for name, path in module_names().items()
        if subpackage(name) in rank
        for imported in imported_modules(path)
        if imported.startswith('aiida_osc.') and rank.get(subpackage(imported), -1) > rank[subpackage(name)]
    ]
    assert broken == []
