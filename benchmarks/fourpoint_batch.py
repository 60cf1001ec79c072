"""Compare the four-point batch runner with tblite + ASE BFGS and the xtb program: CPU seconds, gradient calls, minima.

Every engine starts from the same ETKDGv3 + MMFF94 structure and does the neutral, cation and anion optimisations and
the crossed single points; the runner and ASE also do the five IPEA1 points, and the runner the polarizability unless
``--no-polarizability`` is given. ``--share N`` times a whole job of N molecules and prints which part of
``wall seconds * cores`` was spent inside the engine.

Every engine has one thread.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np

from aiida_osc.qc import fourpoint_runner as runner

#: Donor-acceptor molecules in the manner of non-fullerene acceptors, 27 to 54 atoms, written for this benchmark.
MOLECULES = (
    'N#CC(C#N)=Cc1ccc(-c2ccc(C=C(C#N)C#N)s2)s1',
    'CN1C(=O)C(=Cc2ccc(-c3ccc(C=O)s3)s2)C(=O)N(C)C1=O',
    'O=C1C(=Cc2ccc(-c3ccc(-c4ccncn4)s3)cn2)C(=O)c2ccccc21',
    'Fc1cc2nsnc2c(-c2ccc(C=C3C(=O)c4ccccc4C3=C(C#N)C#N)s2)c1F',
    'CN1C(=O)C(=Cc2cc3c(s2)c2sccc2n3C)SC1=C(C#N)C#N',
    'CN1C(=O)C2=C(c3ccc(-c4ccc(C=C(C#N)C#N)cc4)s3)N(C)C(=O)C2=C1c1cccs1',
)
MEV = 1000 * runner.HARTREE_TO_EV


@dataclass
class Outcome:
    """What one engine needed for one molecule; energies in hartree by charge, lambdas in eV."""

    cpu: float
    calls: dict[int, int] = field(default_factory=dict)
    energies: dict[int, float] = field(default_factory=dict)
    crossed: dict[tuple[int, int], float] = field(default_factory=dict)

    def reorganisation(self, charge: int) -> float:
        """Return the four-point reorganisation energy in eV."""
        e, x = self.energies, self.crossed
        return (x[charge, 0] - e[charge] + x[0, charge] - e[0]) * runner.HARTREE_TO_EV


def run_ours(task: runner.Task, settings: runner.RunnerSettings) -> Outcome:
    record = runner.treat(task, settings, 0, lambda stage: None)
    if record['status'] == 'failed':
        raise SystemExit(f'{task.smiles}: {record["reason"]}')
    energies = {q: record['energies'][f'GFN2:{q}@{q}'] for q in runner.CHARGES}
    pairs = ((1, 0), (-1, 0), (0, 1), (0, -1))
    crossed = {(q, p): record['energies'][f'GFN2:{q}@{p}'] for q, p in pairs}
    return Outcome(record['cpu_seconds'], {int(q): n for q, n in record['steps'].items()}, energies, crossed)


def run_ase(start: runner.Start) -> Outcome:
    from ase import Atoms
    from ase.optimize import BFGS
    from tblite.ase import TBLite
    from tblite.interface import Calculator

    begin, outcome = time.process_time(), Outcome(0.0)
    positions = {0: start.positions * runner.BOHR}

    def energy(charge: int, where: int, method: str = 'GFN2-xTB') -> float:
        x = positions[where] / runner.BOHR
        calculator = Calculator(method, start.numbers, x, charge=charge, uhf=abs(charge))
        calculator.set('verbosity', 0)
        return float(calculator.singlepoint().get('energy'))

    for charge in runner.CHARGES:
        atoms = Atoms(start.numbers, positions[0])
        atoms.calc = TBLite(method='GFN2-xTB', charge=charge, multiplicity=1 + abs(charge), verbosity=0)
        search = BFGS(atoms, logfile=None)
        search.run(fmax=0.02, steps=1000)
        positions[charge], outcome.calls[charge] = atoms.positions.copy(), search.nsteps + 1
        outcome.energies[charge] = energy(charge, charge)
    outcome.crossed = {(q, p): energy(q, p) for q, p in ((1, 0), (-1, 0), (0, 1), (0, -1))}
    for charge, where in ((0, 0), (1, 0), (1, 1), (-1, 0), (-1, -1)):
        energy(charge, where, 'IPEA1-xTB')
    outcome.cpu = time.process_time() - begin
    return outcome


def run_xtb(start: runner.Start) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        return _run_xtb(start, Path(name))


def _run_xtb(start: runner.Start, folder: Path) -> Outcome:
    from rdkit import Chem

    symbols = [Chem.GetPeriodicTable().GetElementSymbol(int(number)) for number in start.numbers]
    rows = [f'{s} {x:.8f} {y:.8f} {z:.8f}' for s, (x, y, z) in zip(symbols, start.positions * runner.BOHR, strict=True)]
    (folder / 'start.xyz').write_text('\n'.join([str(len(rows)), '', *rows]) + '\n')
    before, outcome = _children_cpu(), Outcome(0.0)
    for charge, source in ((0, 'start.xyz'), (1, '0.xyz'), (-1, '0.xyz')):
        text = _call_xtb(folder, source, charge, '--opt')
        (folder / 'xtbopt.xyz').rename(folder / f'{charge}.xyz')
        outcome.energies[charge] = _final_energy(text)
        outcome.calls[charge] = len(re.findall(r'CYCLE\s+\d+', text)) + 1
        if charge:
            first = re.search(r'\* total energy\s*:\s*(-?\d+\.\d+)', text)
            outcome.crossed[charge, 0] = float(first[1]) if first else np.nan
    for charge, where in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        outcome.crossed[charge, where] = _final_energy(_call_xtb(folder, f'{where}.xyz', charge))
    outcome.cpu = _children_cpu() - before
    return outcome


def _call_xtb(folder: Path, source: str, charge: int, *options: str) -> str:
    (folder / 'xtbrestart').unlink(missing_ok=True)
    command = ['xtb', source, '--gfn', '2', '--chrg', str(charge), '--uhf', str(abs(charge)), *options]
    return subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=True).stdout


def _final_energy(text: str) -> float:
    return float(re.findall(r'TOTAL ENERGY\s+(-?\d+\.\d+) Eh', text)[-1])


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(smiles: list[str], settings: runner.RunnerSettings, engines: list[str]) -> None:
    totals: dict[str, list[float]] = {}
    for line in smiles:
        task = runner.Task(line, line)
        start = runner.make_start(task, settings, 0)
        runs = {'runner': lambda task=task: run_ours(task, settings)}
        runs |= {'ase': lambda start=start: run_ase(start), 'xtb': lambda start=start: run_xtb(start)}
        print(f'\n{line} ({len(start.numbers)} atoms)')
        base: Outcome | None = None
        for name in engines:
            outcome = runs[name]()
            base = base or outcome
            totals.setdefault(name, []).append(outcome.cpu)
            calls = '/'.join(str(outcome.calls[q]) for q in runner.CHARGES)
            above = '/'.join(f'{(outcome.energies[q] - base.energies[q]) * MEV:+.1f}' for q in runner.CHARGES)
            hole, electron = outcome.reorganisation(1), outcome.reorganisation(-1)
            print(
                f'  {name:7s} {outcome.cpu:7.2f} CPU-s  gradients {calls:12s}  minima {above:18s} meV  '
                f'lambda {hole:.4f} {electron:.4f} eV'
            )
    print('\nmean CPU seconds per molecule')
    for name, values in totals.items():
        print(
            f'  {name:7s} {np.mean(values):7.2f}   ratio to the runner {np.sum(values) / np.sum(totals["runner"]):.2f}'
        )


def measure_share(smiles: list[str], count: int, settings: dict[str, object]) -> None:
    """Run one job of ``count`` molecules on all cores and print the share of time inside the engine."""
    tasks = [{'key': f'{n:04d}', 'smiles': smiles[n % len(smiles)], 'start': None} for n in range(count)]
    job = {'format': 1, 'engine': 'tblite', 'seed': 0, 'settings': settings, 'molecules': tasks}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / runner.INPUT).write_text(json.dumps({**job, 'cores': runner.available_cores()}))
        begin = time.perf_counter()
        subprocess.run([sys.executable, runner.__file__, name], check=True)
        wall = time.perf_counter() - begin
        report = json.loads((folder / runner.SUMMARY).read_text())
    share = report['engine_seconds'] / (wall * report['cores'])
    cpu = report['cpu_seconds'] / count
    print(f'\n{count} molecules, {report["cores"]} cores: {wall:.1f} s wall, {cpu:.2f} CPU-s per molecule')
    print(f'{report["ok"]} ok, {report["flagged"]} flagged, {report["failed"]} failed; inside the engine {share:.1%}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', nargs='?', type=Path, help='SMILES [name] lines; default: six built-in molecules')
    parser.add_argument('--engines', nargs='+', default=['runner', 'ase', 'xtb'], choices=['runner', 'ase', 'xtb'])
    parser.add_argument('--share', type=int, default=0, help='time one job of that many molecules')
    parser.add_argument('--no-polarizability', action='store_true', help='leave the polarizability out')
    arguments = parser.parse_args()
    lines = arguments.file.read_text().splitlines() if arguments.file else list(MOLECULES)
    smiles = [line.split()[0] for line in lines if line.strip()]
    polarizability = not arguments.no_polarizability
    engines = ['runner', *(name for name in dict.fromkeys(arguments.engines) if name != 'runner')]
    if 'xtb' in engines and shutil.which('xtb') is None:
        print('xtb is not on PATH: left out')
        engines.remove('xtb')
    compare(smiles, runner.RunnerSettings(polarizability=polarizability), engines)
    if arguments.share:
        measure_share(smiles, arguments.share, {'polarizability': polarizability})


if __name__ == '__main__':
    main()
