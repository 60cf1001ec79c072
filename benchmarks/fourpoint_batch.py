"""Compare the four-point batch job with a shell loop over the xtb program and with tblite + ASE BFGS.

Everyone starts from the same ETKDGv3 + MMFF94 structure, does the optimisations of neutral, cation and anion and the
four crossed single points, with one thread. The job runs as the CalcJob runs it, a zip application started by Python
with all molecules, and its mean CPU seconds hold all that it does: the start of Python, the embedding and the five
IPEA1 points too, and the polarizability with ``--polarizability``. The loop calls ``xtb --opt`` three times and
``xtb`` four times per molecule.

``--share N`` times a job of N molecules on all cores and prints which part of ``wall seconds * cores`` was spent
inside the engine.
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


from aiida_osc.datasets.seed_set import seed_entries
from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.job import Task, available_cores
from aiida_osc.qc.fourpoint_runner.settings import BOHR, CHARGES, HARTREE_TO_EV, INPUT, RESULTS, SUMMARY
from aiida_osc.qc.fourpoint_runner.start import Start, make_start
from aiida_osc.qc.runner_archive import RUNNER, write_runner

#: Donor-acceptor molecules in the manner of non-fullerene acceptors, 27 to 54 atoms, written for this benchmark.
WRITTEN = (
    'N#CC(C#N)=Cc1ccc(-c2ccc(C=C(C#N)C#N)s2)s1',
    'CN1C(=O)C(=Cc2ccc(-c3ccc(C=O)s3)s2)C(=O)N(C)C1=O',
    'O=C1C(=Cc2ccc(-c3ccc(-c4ccncn4)s3)cn2)C(=O)c2ccccc21',
    'Fc1cc2nsnc2c(-c2ccc(C=C3C(=O)c4ccccc4C3=C(C#N)C#N)s2)c1F',
    'CN1C(=O)C(=Cc2cc3c(s2)c2sccc2n3C)SC1=C(C#N)C#N',
    'CN1C(=O)C2=C(c3ccc(-c4ccc(C=C(C#N)C#N)cc4)s3)N(C)C(=O)C2=C1c1cccs1',
)
#: Molecules of the seed set, 24 to 52 atoms.
FROM_THE_SEED = (
    'HAT',
    '4,7-dithienyl-BTD',
    'IDT',
    'dimethyl-NDI',
    '2,7-dithienylfluorenone',
    '5,12-dimethoxytetracene',
    "N,N'-dimethyl-diphenyl-DPP",
    '9,10-bis(phenylethynyl)anthracene',
    'mCP',
)
MEV = 1000 * HARTREE_TO_EV
#: The same minimum, in meV.
SAME = 5.0


@dataclass
class Outcome:
    """What one engine needed for one molecule; energies in hartree by charge."""

    cpu: float
    calls: dict[int, int] = field(default_factory=dict)
    energies: dict[int, float] = field(default_factory=dict)
    crossed: dict[tuple[int, int], float] = field(default_factory=dict)

    def reorganisation(self, charge: int) -> float:
        """Return the four-point reorganisation energy in eV."""
        e, x = self.energies, self.crossed
        return (x[charge, 0] - e[charge] + x[0, charge] - e[0]) * HARTREE_TO_EV


def run_job(smiles: list[str], cores: int, settings: dict) -> tuple[list[dict], dict, float, float]:
    """Return records and summary of one job, its CPU seconds and its wall seconds."""
    tasks = [{'key': f'{n:04d}', 'smiles': text, 'start': None} for n, text in enumerate(smiles)]
    job = {'format': 1, 'engine': 'tblite', 'seed': 0, 'cores': cores, 'settings': settings, 'molecules': tasks}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / INPUT).write_text(json.dumps(job))
        with (folder / RUNNER).open('wb') as handle:
            write_runner(handle)
        before, begin = children_cpu(), time.perf_counter()
        subprocess.run([sys.executable, RUNNER], cwd=folder, check=True)
        cpu, wall = children_cpu() - before, time.perf_counter() - begin
        records = [json.loads(line) for line in (folder / RESULTS).read_text().splitlines()]
        return records, json.loads((folder / SUMMARY).read_text()), cpu, wall


def read_record(record: dict) -> Outcome:
    if record['status'] == 'failed':
        raise SystemExit(f'{record["smiles"]}: {record["reason"]}')
    energies = {q: record['energies'][f'GFN2:{q}@{q}'] for q in CHARGES}
    pairs = ((1, 0), (-1, 0), (0, 1), (0, -1))
    crossed = {(q, p): record['energies'][f'GFN2:{q}@{p}'] for q, p in pairs}
    return Outcome(record['cpu_seconds'], {int(q): n for q, n in record['steps'].items()}, energies, crossed)


def run_ase(start: Start) -> Outcome:
    from ase import Atoms
    from ase.optimize import BFGS
    from tblite.ase import TBLite
    from tblite.interface import Calculator

    begin, outcome = time.process_time(), Outcome(0.0)
    positions = {0: start.positions * BOHR}

    def energy(charge: int, where: int, method: str = 'GFN2-xTB') -> float:
        calculator = Calculator(method, start.numbers, positions[where] / BOHR, charge=charge, uhf=abs(charge))
        calculator.set('verbosity', 0)
        return float(calculator.singlepoint().get('energy'))

    for charge in CHARGES:
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


def run_xtb(start: Start) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        return _run_xtb(start, Path(name))


def _run_xtb(start: Start, folder: Path) -> Outcome:
    from rdkit import Chem

    symbols = [Chem.GetPeriodicTable().GetElementSymbol(int(number)) for number in start.numbers]
    rows = [f'{s} {x:.8f} {y:.8f} {z:.8f}' for s, (x, y, z) in zip(symbols, start.positions * BOHR, strict=True)]
    (folder / 'start.xyz').write_text('\n'.join([str(len(rows)), '', *rows]) + '\n')
    before, outcome = children_cpu(), Outcome(0.0)
    for charge, source in ((0, 'start.xyz'), (1, '0.xyz'), (-1, '0.xyz')):
        text = _call_xtb(folder, source, charge, '--opt')
        (folder / 'xtbopt.xyz').rename(folder / f'{charge}.xyz')
        outcome.energies[charge] = _final_energy(text)
        outcome.calls[charge] = len(re.findall(r'CYCLE\s+\d+', text)) + 1
    for charge, where in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        outcome.crossed[charge, where] = _final_energy(_call_xtb(folder, f'{where}.xyz', charge))
    outcome.cpu = children_cpu() - before
    return outcome


def _call_xtb(folder: Path, source: str, charge: int, *options: str) -> str:
    (folder / 'xtbrestart').unlink(missing_ok=True)
    command = ['xtb', source, '--gfn', '2', '--chrg', str(charge), '--uhf', str(abs(charge)), *options]
    return subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=True).stdout


def _final_energy(text: str) -> float:
    return float(re.findall(r'TOTAL ENERGY\s+(-?\d+\.\d+) Eh', text)[-1])


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(smiles: list[str], settings: dict, engines: list[str]) -> None:
    """Print what each molecule costs everyone; the job treats them all at once, with one core."""
    records, _, cpu, _ = run_job(smiles, 1, settings)
    ours = {record['key']: read_record(record) for record in records}
    totals, verdicts = {'job': cpu, **dict.fromkeys(engines, 0.0)}, []
    for number, line in enumerate(smiles):
        start = make_start(Task(line, line), 0, Surroundings())
        print(f'\n{number + 1}. {line} ({len(start.numbers)} atoms)')
        found = {'job': ours[f'{number:04d}']}
        found |= {name: {'ase': run_ase, 'xtb': run_xtb}[name](start) for name in engines}
        for name, outcome in found.items():
            totals[name] += outcome.cpu if name != 'job' else 0.0
            print(describe(name, outcome, found['job']), flush=True)
        if 'xtb' in found:
            verdicts.append({q: MEV * (found['xtb'].energies[q] - found['job'].energies[q]) for q in CHARGES})
    report({name: total / len(smiles) for name, total in totals.items()}, verdicts)


def describe(name: str, outcome: Outcome, base: Outcome) -> str:
    calls = '/'.join(str(outcome.calls[q]) for q in CHARGES)
    above = '/'.join(f'{(outcome.energies[q] - base.energies[q]) * MEV:+.1f}' for q in CHARGES)
    hole, electron = outcome.reorganisation(1), outcome.reorganisation(-1)
    return (
        f'  {name:4s} {outcome.cpu:7.2f} CPU-s  gradients {calls:12s}  minima {above:18s} meV  '
        f'lambda {hole:.4f} {electron:.4f} eV'
    )


def report(means: dict[str, float], verdicts: list[dict[int, float]]) -> None:
    print('\nmean CPU seconds per molecule, and the ratio of the job to it; all that the job does is in it')
    for name, mean in means.items():
        print(f'  {name:4s} {mean:7.2f}   {means["job"] / mean:.2f}')
    count = sum(len(verdict) for verdict in verdicts)
    same = sum(abs(value) <= SAME for verdict in verdicts for value in verdict.values())
    higher = sum(value < -SAME for verdict in verdicts for value in verdict.values())
    if count:
        print(f'minima of the job and of xtb: {same} of {count} within {SAME:g} meV, {higher} of the job higher')


def measure_share(smiles: list[str], count: int, settings: dict) -> None:
    """Run one job of ``count`` molecules on all cores and print the share of time inside the engine."""
    _, summary, cpu, wall = run_job([smiles[n % len(smiles)] for n in range(count)], available_cores(), settings)
    share = summary['engine_seconds'] / (wall * summary['cores'])
    print(f'\n{count} molecules, {summary["cores"]} cores: {wall:.1f} s wall, {cpu / count:.2f} CPU-s per molecule')
    print(
        f'{summary["ok"]} ok, {summary["flagged"]} flagged, {summary["failed"]} failed; inside the engine {share:.1%}'
    )


def built_in() -> list[str]:
    seed = {entry.name: entry.smiles for entry in seed_entries()}
    return [*WRITTEN, *(seed[name] for name in FROM_THE_SEED)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', nargs='?', type=Path, help='SMILES [name] lines; default: fifteen built-in molecules')
    parser.add_argument('--engines', nargs='+', default=['xtb'], choices=['ase', 'xtb'])
    parser.add_argument('--share', type=int, default=0, help='time one job of that many molecules')
    parser.add_argument('--polarizability', action='store_true', help='with the polarizability in the job')
    arguments = parser.parse_args()
    lines = arguments.file.read_text().splitlines() if arguments.file else built_in()
    smiles = [line.split()[0] for line in lines if line.strip()]
    settings = {'polarizability': arguments.polarizability}
    engines = list(dict.fromkeys(arguments.engines))
    if 'xtb' in engines and shutil.which('xtb') is None:
        print('xtb is not on PATH: left out')
        engines.remove('xtb')
    compare(smiles, settings, engines)
    if arguments.share:
        measure_share(smiles, arguments.share, settings)


if __name__ == '__main__':
    main()
