"""Score a million SMILES with ``aiida-osc predict`` and print CPU seconds, wall seconds and memory.

    python benchmarks/predict_million.py MODEL [ROWS] [--jobs N]

The rows are QM9's molecules (needs the package qm9pack), as often as it takes, spelt otherwise each time: no two
neighbours are alike. Memory is the largest sum of the private memory of all processes, looked at every half second.
"""

import argparse
import itertools
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from rdkit import Chem, RDLogger

from aiida_osc.datasets.sources.qm9 import read_rows


def write(path: Path, rows: int) -> int:
    """Write the file and return how many different molecules it holds."""
    mols = [mol for (smiles,) in read_rows(('SMILES',)) if (mol := Chem.MolFromSmiles(smiles)) is not None]
    texts = (
        Chem.MolToSmiles(mol) if not turn else Chem.MolToRandomSmilesVect(mol, 1, randomSeed=turn)[0]
        for turn in itertools.count()
        for mol in mols
    )
    with path.open('w') as handle:
        handle.write('smiles\n')
        handle.writelines(f'{text}\n' for text in itertools.islice(texts, rows))
    return min(len(mols), rows)


def memory(process: psutil.Popen) -> int:
    """Return the bytes that the process and its children have for themselves."""
    total = 0
    for item in [process, *process.children(recursive=True)]:
        try:
            total += item.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', type=Path, help='folder of a finished surrogate')
    parser.add_argument('rows', type=int, nargs='?', default=1_000_000)
    parser.add_argument('--jobs', type=int, default=2)
    options = parser.parse_args()
    RDLogger.DisableLog('rdApp.*')
    with tempfile.TemporaryDirectory() as name:
        molecules, out = Path(name, 'million.csv'), Path(name, 'predicted.csv')
        different = write(molecules, options.rows)
        command = ('aiida-osc', 'predict', molecules, '--model', options.model, '--out', out, '--jobs', options.jobs)
        flags = ('--as-is', '--no-similarity', '--progress')
        single = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1')
        begin, peak = time.monotonic(), 0
        process = psutil.Popen([*map(str, command), *flags], env={**os.environ, **single}, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, memory(process))
            time.sleep(0.5)
        if process.returncode:
            raise SystemExit(f'{" ".join(map(str, command))} ended with status {process.returncode}')
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with out.open() as handle:
            answered = sum(1 for _ in handle) - 1
        print(f'{answered} answers to {options.rows} rows of {different} molecules, {out.stat().st_size / 1e6:.0f} MB')
        print(f'{used.ru_utime + used.ru_stime:.0f} CPU-s, {time.monotonic() - begin:.0f} s with {options.jobs} jobs')
        print(f'largest memory {peak / 1e6:.0f} MB')


if __name__ == '__main__':
    main()
