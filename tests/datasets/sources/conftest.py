"""Small files in the published form of each data set that is read from a file."""

import shutil
from pathlib import Path

import pytest

FILES = Path(__file__).parents[1] / 'files'
NAMES = {
    'cep': 'cep.csv',
    'cepdb': 'cepdb.csv',
    'csce': 'csce.csv',
    'da_dimers': 'da_dimers',
    'hopv15': 'hopv15.data',
    'nfa': 'nfa.csv',
    'ocelot': 'ocelot.csv',
    'oe62': 'oe62.json',
    'pachqa': 'pachqa.csv',
    'qmugs': 'qmugs.csv',
}


@pytest.fixture
def own_file(tmp_path):
    """Return a function that gives a copy of the file of a data set."""

    def copy(name: str) -> Path:
        path, target = FILES / NAMES[name], tmp_path / NAMES[name]
        if not target.exists():
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
        return target

    return copy
