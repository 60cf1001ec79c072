import os
import subprocess
import sys

from runner_jobs import ETHYLENE, run_runner, write_archive, write_job

from aiida_osc.qc.fourpoint_runner.settings import LOG


def test_bad_input_ends_with_code_2(tmp_path):
    code, error = run_runner(tmp_path)
    assert code == 2
    assert 'input.json' in error
    assert 'input.json' in (tmp_path / LOG).read_text()


def test_missing_engine_ends_with_code_3(tmp_path):
    write_job(tmp_path, [ETHYLENE])
    (tmp_path / 'tblite.py').write_text('raise ImportError("No module named tblite")')
    command = [sys.executable, write_archive(tmp_path).name]
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 3
    assert 'pip install tblite' in done.stderr
