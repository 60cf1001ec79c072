"""What a structure costs the quantum chemistry that starts from it: strain, gradient calls and CPU time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from aiida_osc.diffusion.quality.coverage import mean_or_none, median_or_none
from aiida_osc.qc.fourpoint_runner.engine import Surroundings
from aiida_osc.qc.fourpoint_runner.plan import GFN2, Level
from aiida_osc.qc.fourpoint_runner.search import find_minimum
from aiida_osc.qc.fourpoint_runner.settings import MoleculeFailure, RunnerSettings
from aiida_osc.units import BOHR_TO_ANGSTROM, HARTREE_TO_EV


@dataclass(frozen=True)
class Relaxation:
    """An optimisation of the neutral, as the batch job does it.

    :param strain: energy of the structure above its relaxed minimum, in eV.
    :param calls: gradient calls.
    :param cpu_seconds: of this process.
    :param positions: of the minimum, in Angstrom, shape ``(atoms, 3)``.
    """

    strain: float
    calls: int
    cpu_seconds: float
    converged: bool
    positions: np.ndarray


def relax(mol: Chem.Mol, positions: np.ndarray, level: Level = GFN2) -> Relaxation | None:
    """Return the relaxation of a structure, None where the SCF does not converge.

    :param mol: with all hydrogens.
    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :param level: of theory; PySCF computes those with a basis.
    """
    from aiida_osc.qc.fourpoint_runner.engines import make_engine

    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    bonds = np.array([(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()], dtype=int)
    around = Surroundings(RunnerSettings(optimiser='internal'))
    start, begin = positions / BOHR_TO_ANGSTROM, time.process_time()
    try:
        engine = make_engine(level, numbers, start, Chem.GetFormalCharge(mol), around)
        minimum, _ = find_minimum(engine, start, bonds.reshape(-1, 2), around)
    except MoleculeFailure:
        return None
    spent = time.process_time() - begin
    strain = (minimum.first_energy - minimum.energy) * HARTREE_TO_EV
    return Relaxation(strain, around.meter.calls, spent, minimum.converged, minimum.positions * BOHR_TO_ANGSTROM)


def summarise(found: Sequence[Relaxation | None]) -> dict[str, Any]:
    """Return means and medians over the relaxations that converged, as plain numbers.

    CPU seconds depend on the machine, all else is the same in every run.
    """
    good = [item for item in found if item is not None and item.converged]
    return {
        'relaxed': len(good),
        'not_converged': len(found) - len(good),
        'strain_mean_ev': mean_or_none([item.strain for item in good]),
        'strain_median_ev': median_or_none([item.strain for item in good]),
        'gradient_calls': mean_or_none([item.calls for item in good]),
        'cpu_seconds': mean_or_none([item.cpu_seconds for item in good]),
    }
