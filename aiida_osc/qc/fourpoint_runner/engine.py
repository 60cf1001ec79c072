"""What every engine can do: single points of one molecule at one charge."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .meter import Meter
from .plan import Level
from .settings import MoleculeFailure, RunnerSettings

Report = Callable[[str], None]


@dataclass
class Surroundings:
    """What the treatment of one molecule is given besides the molecule.

    :param report: called with the name of each stage.
    :param threads: threads that an engine may use.
    :param memory_mb: memory that an engine may plan with, 0 for its own default.
    :param folder: where scratch folders are made.
    """

    settings: RunnerSettings = field(default_factory=RunnerSettings)
    meter: Meter = field(default_factory=Meter)
    report: Report = lambda stage: None
    threads: int = 1
    memory_mb: int = 0
    folder: Path = Path('.')


class Engine(ABC):
    """Single points of one molecule at one charge, each starting from the density of the last.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    """

    def __init__(self, level: Level, numbers: np.ndarray, charge: int, meter: Meter) -> None:
        self.level, self.numbers, self.charge, self.meter = level, numbers, charge, meter
        self.unpaired = (int(numbers.sum()) - charge) % 2
        #: What was needed beyond the usual for an SCF to converge.
        self.remedies: list[str] = []
        self._parent = os.getppid()

    @abstractmethod
    def evaluate(self, positions: np.ndarray, accuracy: float = 10.0) -> tuple[float, np.ndarray]:
        """Return energy (Eh) and gradient (Eh/bohr, shape ``(atoms, 3)``).

        :param positions: in bohr, shape ``(atoms, 3)``.
        :param accuracy: of the SCF as the xtb program counts it, 1 for its own; engines of other kinds have one.
        :raises MoleculeFailure: when the SCF does not converge, also not with help.
        """

    @abstractmethod
    def energy(self, positions: np.ndarray, accuracy: float = 10.0) -> float:
        """Return the energy (Eh); arguments and exceptions as of :meth:`evaluate`."""

    @abstractmethod
    def frontier(self) -> tuple[float, float]:
        """Return the energies of HOMO and LUMO of the last call, in eV."""

    @abstractmethod
    def dipole(self) -> np.ndarray:
        """Return the dipole vector of the last call in e bohr, shape ``(3,)``."""

    @abstractmethod
    def polarizability(self, positions: np.ndarray, strength: float = 1e-3) -> float:
        """Return the isotropic static polarizability by central differences of the dipole, in bohr^3."""

    def start_from(self, neutral: Any) -> None:  # noqa: B027 - most engines find an ion's density by themselves
        """Take the density of the neutral, at its last geometry, as the first guess."""

    @property
    def s_squared(self) -> float | None:
        """Return <S^2> of the last call, None where the orbitals are restricted."""
        return None

    def leave_with_parent(self) -> None:
        """End this process when the supervisor has died: nobody would read the result."""
        if os.getppid() != self._parent:
            os._exit(1)

    def fail(self, what: str) -> MoleculeFailure:
        """Return the failure of an SCF."""
        return MoleculeFailure('scf', f'{self.level.name} at charge {self.charge:+d}{what}')

    def checked(self, energy: float, gradient: np.ndarray | None = None) -> None:
        """Raise a failure when a number is not finite."""
        if not math.isfinite(energy) or (gradient is not None and not np.isfinite(gradient).all()):
            raise self.fail(' gives numbers that are not finite')
