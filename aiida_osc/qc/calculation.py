"""What one calculation of one molecule at one charge is, in words that every engine understands."""

from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.qc.methods import DISPERSIONS, METHODS, check_basis, check_method, spelling
from aiida_osc.settings import Settings

#: Ends the name of a level with Cartesian d functions.
CARTESIAN = '[cartesian]'
DRIVERS = ('energy', 'gradient', 'optimization', 'frequencies')


@dataclass(frozen=True)
class Model(Settings):
    """A level of theory for energies or geometries.

    :param method: a name of :data:`~aiida_osc.qc.methods.METHODS`.
    :param basis: a name of :data:`~aiida_osc.qc.methods.BASES`.
    :param dispersion: ``D3BJ``, ``D4`` or empty.
    :param epsilon: dielectric constant of an implicit solvent, 0 for the gas phase.
    :param cartesian: Cartesian instead of spherical d functions; part of the level's name.
    """

    method: str = 'B3LYP'
    basis: str = 'def2-SVP'
    dispersion: str = 'D3BJ'
    epsilon: float = 0.0
    cartesian: bool = False

    def __post_init__(self) -> None:
        """Check the names.

        :raises OscError: when a method, basis, dispersion or dielectric constant is unknown or impossible.
        """
        check_method(self.method, self.dispersion)
        check_basis(self.basis)
        if self.epsilon and self.epsilon < 1:
            raise OscError(
                f'epsilon {self.epsilon:g}: give a dielectric constant of at least 1, or 0 for the gas phase'
            )

    @property
    def name(self) -> str:
        """Return the name of the level, such as ``B3LYP-D3BJ/def2-SVP``."""
        method = f'{self.method}-{self.dispersion}' if self.dispersion else self.method
        return f'{method}/{self.basis}' + (CARTESIAN if self.cartesian else '')

    @classmethod
    def parse(cls, text: str, epsilon: float = 0.0) -> 'Model':
        """Return the model of that :attr:`name`, in a solvent of that dielectric constant.

        :raises OscError: when the text is no ``METHOD[-DISPERSION]/BASIS`` that is known.
        """
        method, _, basis = text.partition('/')
        if not basis:
            raise OscError(f'{text!r} is no level: write METHOD-DISPERSION/BASIS, such as B3LYP-D3BJ/def2-SVP')
        dispersion = next((item for item in DISPERSIONS if item and method.endswith(f'-{item}')), '')
        if method in METHODS:
            dispersion = ''
        method = method.removesuffix(f'-{dispersion}') if dispersion else method
        cartesian = basis.endswith(CARTESIAN)
        return cls(method, basis.removesuffix(CARTESIAN), dispersion, epsilon, cartesian)

    @property
    def environment(self) -> str:
        """Return ``gas`` or the solvent model with its dielectric constant."""
        return f'cpcm(eps={self.epsilon:g})' if self.epsilon else 'gas'

    def spelled_for(self, engine: str) -> str:
        """Return the method as ``engine`` calls it.

        :raises OscError: when it has no such method.
        """
        return spelling(self.method, engine)


@dataclass(frozen=True)
class Calculation(Settings):
    """One calculation: a level, a charge and a driver.

    :param driver: one of :data:`DRIVERS`.
    :param model: keys of :class:`Model`.
    :param charge: total charge in units of e.
    :param multiplicity: 2S + 1.
    :param polarizability: whether the static polarizability is computed as well.
    :param max_steps: largest number of geometry steps.
    :param scf_help: how much help the SCF gets, 0 for none; the engines' remedies say what each stage means.
    :param loose_geometry: looser convergence of the geometry, a last resort that is flagged.
    """

    driver: str = 'energy'
    model: Model = Model()
    charge: int = 0
    multiplicity: int = 1
    polarizability: bool = False
    max_steps: int = 100
    scf_help: int = 0
    loose_geometry: bool = False

    def __post_init__(self) -> None:
        """Turn a mapping into a :class:`Model` and check the values.

        :raises OscError: when one is impossible.
        """
        if isinstance(self.model, dict):
            object.__setattr__(self, 'model', Model.from_dict(self.model))
        if self.driver not in DRIVERS:
            raise OscError(f'driver {self.driver!r}: use one of {", ".join(DRIVERS)}')
        if self.multiplicity < 1 or self.max_steps < 1 or self.scf_help < 0:
            raise OscError('multiplicity and max_steps are at least 1, scf_help at least 0')


def check_electrons(electrons: int, charge: int, multiplicity: int) -> None:
    """Check that charge and multiplicity are possible for the molecule.

    :param electrons: sum of the atomic numbers.
    :raises OscError: when they contradict each other.
    """
    left = electrons - charge
    if left < 1 or (left + multiplicity) % 2 == 0 or multiplicity > left + 1:
        raise OscError(
            f'charge {charge:+d} leaves {left} electrons, which cannot have multiplicity {multiplicity}: correct one'
        )


def default_multiplicity(electrons: int, charge: int) -> int:
    """Return 1 for an even number of electrons and 2 for an odd one."""
    return 1 + (electrons - charge) % 2
