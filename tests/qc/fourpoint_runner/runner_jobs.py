"""Jobs of the runner as the CalcJob writes and starts them."""

import json
import subprocess
import sys
import time
from pathlib import Path

from aiida_osc.qc.fourpoint_runner.settings import INPUT, RESULTS, RunnerSettings
from aiida_osc.qc.fourpoint_runner.start import Start, embed
from aiida_osc.qc.runner_archive import RUNNER, write_runner

THIOPHENE, ETHYLENE, BENZENE = 'c1ccsc1', 'C=C', 'c1ccccc1'
NAPHTHALENE, PENTACENE = 'c1ccc2ccccc2c1', 'c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1'
QUICK = {'polarizability': False}


def write_archive(folder: Path) -> Path:
    path = folder / RUNNER
    if not path.exists():
        with path.open('wb') as handle:
            write_runner(handle)
    return path


def write_job(folder: Path, smiles: list[str], cores: int = 2, **settings) -> None:
    molecules = [{'key': text, 'smiles': text, 'start': None} for text in smiles]
    job = {'format': 1, 'engine': 'tblite', 'cores': cores, 'seed': 0, 'settings': {**QUICK, **settings}}
    (folder / INPUT).write_text(json.dumps({**job, 'molecules': molecules}))


def start_runner(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(write_archive(folder)), str(folder)], stderr=subprocess.PIPE, text=True
    )


def run_runner(folder: Path) -> tuple[int, str]:
    process = start_runner(folder)
    error = process.communicate(timeout=120)[1]
    return process.returncode, error


def results(folder: Path) -> list[dict]:
    path = folder / RESULTS
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.05)


def embedded(smiles: str) -> Start:
    start = embed(smiles, RunnerSettings(), 0, random_coordinates=False)
    assert isinstance(start, Start)
    return start
