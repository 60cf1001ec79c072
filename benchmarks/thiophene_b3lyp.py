"""Thiophene at B3LYP/6-31G* with Cartesian d functions: the hole side of the four-point scheme by Psi4 and by PySCF.

Both start from the same structure, fit integrals, and optimise neutral and cation with an optimiser of their own: Psi4
as the job of ``osc.psi4`` runs it (its text is thrown away, its JSON file is read), PySCF as the batch job does, with
geomeTRIC. Printed are the vertical and adiabatic ionisation energies and lambda_hole of both, their differences, and
beside them the values of an earlier PySCF run with spherical d functions. The exit status is 1 when a difference is
larger than ``--within`` meV.

B3LYP means the functional with the VWN parametrisation of the random-phase approximation (doi 10.1021/j100096a001),
Psi4's ``b3lyp`` and PySCF's ``b3lypg``. 6-31G* is a basis of Cartesian d functions (doi 10.1007/BF00533485) and is
computed so here; with spherical ones the total energies lie some mEh higher.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Before the libraries that read it.
os.environ.update(dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), '1'))

import numpy as np
from ase.build import molecule

from aiida_osc.qc.calculation import Calculation, Model
from aiida_osc.qc.psi4_input import RESULTS_FILE, Psi4Settings, render_input
from aiida_osc.qc.psi4_json import read_psi4_json
from aiida_osc.units import BOHR_TO_ANGSTROM, HARTREE_TO_EV

LEVEL = Model('B3LYP', '6-31G*', '', cartesian=True)
NAMES = ('ie_vertical', 'ie_adiabatic', 'lambda_hole')
#: An earlier run of PySCF 2.14 with spherical d functions, in eV.
EARLIER = {'ie_vertical': 8.70, 'ie_adiabatic': 8.50, 'lambda_hole': 0.403}
#: Points per atom of Psi4's grid, and PySCF's grid level that is about as fine.
RADIAL, SPHERICAL, GRID_LEVEL = 75, 434, 4


def derive(energies):
    """Return the three quantities in eV from E_q(R_p) in hartree by (q, p)."""
    e = {pair: value * HARTREE_TO_EV for pair, value in energies.items()}
    return {
        'ie_vertical': e[1, 0] - e[0, 0],
        'ie_adiabatic': e[1, 1] - e[0, 0],
        'lambda_hole': e[1, 0] - e[1, 1] + e[0, 1] - e[0, 0],
    }


def by_psi4(symbols, positions):
    """Return energies by (charge, geometry); positions in Angstrom."""

    def run(driver, charge, where):
        calculation = Calculation(driver, LEVEL, charge, 1 + charge)
        settings = Psi4Settings(radial_points=RADIAL, spherical_points=SPHERICAL)
        text = render_input(calculation, symbols, where, threads=1, memory_mb=2000, settings=settings)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'input.py').write_text(text)
            command = ['psi4', '-n', '1', '--skip-preprocessor', '-i', 'input.py', '-o', 'output.txt']
            # Psi4 1.3 may crash when it has ended after an error: its results tell, not its status.
            subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            result = read_psi4_json(Path(folder, RESULTS_FILE).read_bytes())
        if not result.success:
            sys.exit(f'Psi4 failed: {result.reason}')
        steps = result.optimization_energies
        note('Psi4', driver, charge, result.energy, 0 if steps is None else len(steps))
        return result.energy, result.geometry * BOHR_TO_ANGSTROM

    neutral, at_neutral = run('optimization', 0, positions)
    cation, at_cation = run('optimization', 1, at_neutral)
    crossed = {(1, 0): run('energy', 1, at_neutral)[0], (0, 1): run('energy', 0, at_cation)[0]}
    return {(0, 0): neutral, (1, 1): cation, **crossed}


def by_pyscf(symbols, positions):
    """Return energies by (charge, geometry); positions in Angstrom."""
    from ase.data import atomic_numbers

    from aiida_osc.qc.fourpoint_runner.engine import Surroundings
    from aiida_osc.qc.fourpoint_runner.geometric_optimiser import optimise_by_geometric
    from aiida_osc.qc.fourpoint_runner.plan import Level
    from aiida_osc.qc.fourpoint_runner.pyscf_engine import PyscfEngine
    from aiida_osc.qc.fourpoint_runner.settings import BOHR, RunnerSettings

    level = Level(LEVEL.name, LEVEL.spelled_for('pyscf'), '6-31g*', cartesian=True)
    around = Surroundings(RunnerSettings(grid_level=GRID_LEVEL, device='cpu'))
    numbers = np.array([atomic_numbers[symbol] for symbol in symbols])
    neutral, cation = (PyscfEngine(level, numbers, charge, around) for charge in (0, 1))
    first = optimise_by_geometric(neutral, positions / BOHR, around.settings)
    note('PySCF', 'optimization', 0, first.energy, first.steps)
    cation.start_from(neutral)
    second = optimise_by_geometric(cation, first.positions, around.settings)
    note('PySCF', 'optimization', 1, second.energy, second.steps)
    if not (first.converged and second.converged):
        sys.exit('PySCF failed: a geometry did not converge')
    found = {(0, 0): neutral.energy(first.positions), (1, 1): cation.energy(second.positions)}
    return {**found, (1, 0): cation.energy(first.positions), (0, 1): neutral.energy(second.positions)}


def note(program, driver, charge, energy, steps):
    """Print one finished calculation."""
    what = f'{driver}, {steps} gradients' if steps else driver
    print(f'  {program:6s} charge {charge:+d}  {what:28s} {energy:16.8f} Eh', flush=True)


def main():
    """Run both, print the table, and say by the exit status whether they agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--within', type=float, default=5.0, help='largest difference in meV')
    within = parser.parse_args().within
    if shutil.which('psi4') is None:
        sys.exit('psi4 is not on the path: install it (apt install psi4)')
    atoms = molecule('C4H4S')
    symbols, positions = tuple(atoms.get_chemical_symbols()), atoms.get_positions()
    values, costs = {}, {}
    for name, compute, who in (
        ('Psi4', by_psi4, resource.RUSAGE_CHILDREN),
        ('PySCF', by_pyscf, resource.RUSAGE_SELF),
    ):
        before, start = resource.getrusage(who), time.perf_counter()
        values[name] = derive(compute(symbols, positions))
        after = resource.getrusage(who)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        costs[name] = f'{cpu:.0f} CPU-s, {time.perf_counter() - start:.0f} s on the clock'
    print(f'\nthiophene, {LEVEL.name}, grid ({RADIAL}, {SPHERICAL}) and level {GRID_LEVEL}')
    print(f'{"":14s}{"Psi4 / eV":>12s}{"PySCF / eV":>12s}{"difference / meV":>18s}{"earlier / eV":>14s}')
    worst = 0.0
    for name in NAMES:
        psi4, pyscf = values['Psi4'][name], values['PySCF'][name]
        worst = max(worst, 1000 * abs(psi4 - pyscf))
        print(f'{name:14s}{psi4:12.4f}{pyscf:12.4f}{1000 * (psi4 - pyscf):18.2f}{EARLIER[name]:14.3f}')
    print('\n'.join(f'{name}: {cost}' for name, cost in costs.items()))
    print(f'largest difference {worst:.2f} meV, {"within" if worst <= within else "NOT within"} {within:g} meV')
    sys.exit(0 if worst <= within else 1)


if __name__ == '__main__':
    main()
