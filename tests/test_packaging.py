"""Pins, wheel and what the wheel must carry."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / 'aiida_osc'
DATA_SUFFIXES = {'.yaml', '.jinja', '.html', '.css', '.csv', '.smi', '.md', '.typed', '.json', '.safetensors'}

LOOK = """
import sys
from pathlib import Path
import aiida_osc
folder = Path(aiida_osc.__file__).parent
assert folder.is_relative_to(sys.argv[1]), folder
for path in sorted(path for path in folder.rglob('*') if path.is_file() and path.suffix != '.pyc'):
    print(path.relative_to(folder))
"""


def normalised(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def test_every_dependency_is_pinned_and_torch_without_local_version():
    lines = [line for line in (ROOT / 'constraints.txt').read_text().splitlines() if not line.startswith('#')]
    pins = dict(line.split('==') for line in lines)
    assert pins['torch'] == '2.13.0'
    assert not [line for line in lines if '+' in line or '/' in line]
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    wanted = [
        *project['dependencies'],
        *project['optional-dependencies']['tests'],
        *project['optional-dependencies']['dev'],
    ]
    names = {normalised(re.split(r'[<>=;\[ ]', requirement)[0]) for requirement in wanted} - {'aiida-osc'}
    assert sorted(names - {normalised(name) for name in pins}) == []


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """Build the wheel, install it into an empty folder and return the files that a clean interpreter finds there."""
    folder = tmp_path_factory.mktemp('wheel')
    run = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--quiet']
    # No isolation: the environment has setuptools already, and a build must not need the network.
    build = [
        *run,
        'wheel',
        '--no-deps',
        '--no-build-isolation',
        '--wheel-dir',
        str(folder),
        str(copy_of_sources(folder)),
    ]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob('*.whl')
    target = folder / 'site'
    subprocess.run([*run, 'install', '--no-deps', '--target', str(target), str(wheel)], check=True)
    look = [sys.executable, '-S', '-c', f'import sys; sys.path.insert(0, {str(target)!r})\n{LOOK}', str(target)]
    output = subprocess.run(look, capture_output=True, text=True, check=True, cwd=folder).stdout
    return set(output.splitlines()), target


def copy_of_sources(folder: Path) -> Path:
    """Copy what a wheel is made of, so that the build leaves nothing in the checkout."""
    import shutil

    copy = folder / 'sources'
    copy.mkdir()
    for name in ('pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(PACKAGE, copy / 'aiida_osc', ignore=shutil.ignore_patterns('__pycache__'))
    return copy


@pytest.mark.slow
def test_wheel_carries_every_module_and_data_file(installed):
    found, _ = installed
    wanted = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob('*')
        if path.suffix in DATA_SUFFIXES | {'.py'} and '__pycache__' not in path.parts
    }
    assert 'qc/fourpoint_runner/__main__.py' in wanted
    assert any(name.startswith('workflows/protocols/') and name.endswith('.yaml') for name in wanted)
    assert any(name.endswith(('.jinja', '.html')) for name in wanted)
    assert any(name.endswith(('.csv', '.smi')) for name in wanted)
    assert sorted(wanted - found) == []


@pytest.mark.slow
def test_wheel_names_its_entry_points(installed):
    _, target = installed
    (info,) = target.glob('aiida_osc-*.dist-info')
    text = (info / 'entry_points.txt').read_text()
    assert 'aiida-osc = aiida_osc.cli:main' in text
    assert 'osc.discovery = aiida_osc.workflows.discovery:DiscoveryWorkChain' in text


def test_no_file_of_the_package_is_left_out_by_its_suffix():
    """A data file with a suffix that package-data does not name would be missing from the wheel."""
    suffixes = {path.suffix for path in PACKAGE.rglob('*') if path.is_file() and '__pycache__' not in path.parts}
    assert sorted(suffixes - DATA_SUFFIXES - {'.py'}) == []
