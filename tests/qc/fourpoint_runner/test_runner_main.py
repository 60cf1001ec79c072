import json
import os
import subprocess
import sys

from runner_jobs import ETHYLENE, run_runner, write_archive, write_job

from aiida_osc.qc.fourpoint_runner.settings import INPUT, LOG


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


def test_missing_pyscf_says_what_to_install(tmp_path):
    level = {'name': 'PBE/STO-3G', 'method': 'pbe', 'basis': 'STO-3G'}
    job = {'format': 1, 'engine': 'pyscf', 'energy': level, 'molecules': [{'key': 'O', 'smiles': 'O'}]}
    (tmp_path / INPUT).write_text(json.dumps(job))
    (tmp_path / 'pyscf.py').write_text('raise ImportError("No module named pyscf")')
    command = [sys.executable, write_archive(tmp_path).name]
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 3
    assert '-m pip install tblite pyscf rdkit numpy' in done.stderr
