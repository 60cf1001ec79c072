"""The runner as one file: the same bytes each time, at home in any Python, in need of nothing of ours."""

import ast
import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest

from aiida_osc.qc.runner_archive import RUNNER, write_runner


def written():
    handle = io.BytesIO()
    write_runner(handle)
    return handle.getvalue()


@pytest.fixture(scope='module')
def sources():
    with zipfile.ZipFile(io.BytesIO(written())) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_bytes_do_not_depend_on_the_clock():
    assert hashlib.sha256(written()).digest() == hashlib.sha256(written()).digest()
    with zipfile.ZipFile(io.BytesIO(written())) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None


def test_archive_holds_the_program_and_its_start(sources):
    assert {'__main__.py', 'fourpoint_runner/__main__.py', 'fourpoint_runner/scheme.py'} < set(sources)
    assert all(name.endswith('.py') for name in sources)


def test_no_module_is_long(sources):
    assert max(text.count('\n') for text in sources.values()) < 400


def test_modules_import_one_another_relatively_and_nothing_of_ours(sources):
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            assert not {module.split('.')[0] for module in modules} & {'aiida', 'aiida_osc', 'fourpoint_runner'}, name


def test_modules_are_python_3_9(sources):
    """Annotations are never evaluated, and what came later than 3.9 is not used."""
    for name, text in sources.items():
        tree = ast.parse(text, feature_version=(3, 9))
        future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == '__future__']
        assert future or '->' not in text, f'{name} evaluates its annotations'
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                function = getattr(node.func, 'id', '')
                assert function != 'isinstance' or not isinstance(node.args[1], ast.BinOp), name
                keywords = {word.arg for word in node.keywords}
                assert not keywords & {'strict', 'slots', 'kw_only'}, f'{name} uses what Python 3.10 brought'
            assert not isinstance(node, ast.Match), name


@pytest.mark.xtb
def test_runs_where_there_is_only_the_file(tmp_path):
    job = {'format': 1, 'engine': 'tblite', 'cores': 1, 'molecules': [{'key': 'O', 'smiles': 'O'}]}
    (tmp_path / 'input.json').write_text(json.dumps(job))
    (tmp_path / RUNNER).write_bytes(written())
    look = f"""
import runpy, sys
try:
    runpy.run_path({RUNNER!r}, run_name='__main__')
except SystemExit as end:
    print(end.code, [name for name in ('aiida', 'aiida_osc', 'torch') if name in sys.modules])
"""
    done = subprocess.run([sys.executable, '-c', look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ['0', '[]']
    (record,) = (json.loads(line) for line in (tmp_path / 'results.jsonl').read_text().splitlines())
    assert record['status'] == 'ok'
