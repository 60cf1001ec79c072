"""Self-consistent fields by PySCF: how a level is set up, and what is tried when one does not converge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyscf import dft, gto

from .plan import Level
from .settings import RunnerSettings

#: Auxiliary bases of Weigend for all elements (doi 10.1039/B515623H, 10.1002/jcc.20702): with exchange and without.
AUXILIARY = {True: 'def2-universal-jkfit', False: 'def2-universal-jfit'}
#: Change of the energy at convergence, in Eh; PySCF asks for its square root of the orbital gradient.
ENERGY_CHANGE = 1e-9
CYCLES, MORE_CYCLES = 80, 200
#: Nonlocal correlation is smooth and its cost grows with the square of the grid.
NONLOCAL_GRID = 1
#: The continuum model whose name stands in the environment of a label.
CONTINUUM = 'C-PCM'


def build_molecule(
    level: Level, numbers: np.ndarray, positions: np.ndarray, charge: int, unpaired: int, memory_mb: float
) -> Any:
    """Return the molecule with its basis.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param positions: in bohr, shape ``(atoms, 3)``.
    :param memory_mb: 0 for PySCF's own default.
    """
    mol = gto.Mole()
    mol.atom = [[int(number), positions[n].tolist()] for n, number in enumerate(numbers)]
    mol.unit, mol.basis, mol.cart = 'Bohr', level.basis, level.cartesian
    if level.basis.lower().startswith('def2') and int(numbers.max()) > 36:
        mol.ecp = level.basis
    mol.charge, mol.spin, mol.verbose = charge, unpaired, 0
    if memory_mb:
        mol.max_memory = memory_mb
    return mol.build(dump_input=False, parse_arg=False)


def build_field(level: Level, mol: Any, settings: RunnerSettings, *, gpu: bool) -> Any:
    """Return the method, ready to run."""
    restricted, pure_hf = mol.spin == 0, level.method == 'hf'
    if pure_hf:
        field = mol.RHF() if restricted else mol.UHF()
    else:
        field = mol.RKS(xc=level.method) if restricted else mol.UKS(xc=level.method)
        field.grids.level, field.nlcgrids.level = settings.grid_level, NONLOCAL_GRID
    has_exchange = pure_hf or dft.libxc.is_hybrid_xc(field.xc)
    field = field.density_fit(auxbasis=AUXILIARY[has_exchange])
    field.disp = level.dispersion or None
    if level.epsilon:
        field = field.PCM()
        field.with_solvent.method, field.with_solvent.eps = CONTINUUM, level.epsilon
    field.conv_tol, field.max_cycle = ENERGY_CHANGE, CYCLES
    field.chkfile = None
    return field.to_gpu() if gpu else field


def plain(field: Any, density: np.ndarray | None) -> np.ndarray | None:
    """Run with DIIS alone."""
    field.kernel(dm0=density)
    return density


def damped(field: Any, density: np.ndarray | None) -> np.ndarray | None:
    """Mix in the last Fock matrix before DIIS begins, and keep the empty orbitals away."""
    field.damp, field.diis_start_cycle, field.level_shift, field.max_cycle = 0.5, 12, 0.3, MORE_CYCLES
    field.kernel(dm0=density)
    return density_of(field)


def second_order(field: Any, density: np.ndarray | None) -> np.ndarray | None:
    """Minimise the energy by Newton steps."""
    newton = field.newton()
    newton.max_cycle = CYCLES
    newton.kernel(dm0=density)
    return density_of(newton)


def second_order_anew(field: Any, density: np.ndarray | None) -> np.ndarray | None:
    """Do so from another guess."""
    return second_order(field, field.get_init_guess(key='huckel'))


@dataclass(frozen=True)
class Remedy:
    """One way to a converged density; ``run`` returns the density from which a plain run must end at once."""

    name: str
    run: Callable[[Any, Any], Any]


LADDER = (
    Remedy('', plain),
    Remedy('damping and level shift', damped),
    Remedy('second order', second_order),
    Remedy('second order from another guess', second_order_anew),
)


def converge(make: Callable[[], Any], density: np.ndarray | None) -> tuple[Any, str] | None:
    """Return the converged field and the remedy that it took, None when none helped.

    :param make: returns a new field; every remedy starts from one, and ends with a plain run from its density.
    :param density: first guess; None for PySCF's own.
    """
    for remedy in LADDER:
        field = make()
        found = remedy.run(field, density)
        if remedy.name:
            field = make()
            field.kernel(dm0=found)
        if field.converged:
            return field, remedy.name
    return None


def density_of(field: Any) -> np.ndarray:
    """Return the density matrix as an array of the kind that the field works with."""
    return field.make_rdm1()


def gpu_is_there() -> bool:
    """Return whether gpu4pyscf can be imported and sees a device."""
    try:
        import cupy
        import gpu4pyscf  # noqa: F401 - its presence is the question

        return int(cupy.cuda.runtime.getDeviceCount()) > 0
    except Exception:  # a driver that does not fit raises errors of its own
        return False


def to_host(array: Any) -> np.ndarray:
    """Return an array in the memory of the host."""
    return np.asarray(array.get() if hasattr(array, 'get') else array)
