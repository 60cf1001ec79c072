"""The properties aiida-osc knows: name, unit, plausible range and sign convention, in one table."""

from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.units import CANONICAL_UNIT


@dataclass(frozen=True)
class Target:
    """One property; ``low`` and ``high`` bound what is physically plausible, in the canonical unit."""

    name: str
    quantity: str
    low: float
    high: float
    help: str

    @property
    def unit(self) -> str:
        """Return the canonical unit."""
        return CANONICAL_UNIT[self.quantity]


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target('homo', 'energy', -25.0, 0.0, 'Energy of the highest occupied orbital.'),
        Target('lumo', 'energy', -15.0, 10.0, 'Energy of the lowest unoccupied orbital.'),
        Target('gap', 'energy', 0.0, 25.0, 'Orbital gap, lumo - homo.'),
        Target('ie_vertical', 'energy', 0.0, 25.0, 'E(cation) - E(neutral) at the neutral geometry.'),
        Target('ie_adiabatic', 'energy', 0.0, 25.0, 'E(cation) - E(neutral), each at its own geometry.'),
        Target('ea_vertical', 'energy', -10.0, 15.0, 'E(neutral) - E(anion) at the neutral geometry.'),
        Target('ea_adiabatic', 'energy', -10.0, 15.0, 'E(neutral) - E(anion), each at its own geometry.'),
        Target('lambda_hole', 'energy', 0.0, 5.0, 'Four-point (Nelsen) reorganisation energy of hole transport.'),
        Target('lambda_electron', 'energy', 0.0, 5.0, 'Four-point (Nelsen) reorganisation energy of electrons.'),
        Target('dipole', 'dipole', 0.0, 100.0, 'Norm of the dipole moment.'),
        Target('polarizability', 'polarizability', 0.0, 1e5, 'Isotropic mean polarizability.'),
        Target('sa_score', 'number', 1.0, 10.0, 'Synthetic accessibility of Ertl and Schuffenhauer, 1 easy, 10 hard.'),
    )
}


def get_target(name: str) -> Target:
    """Return the target called ``name``.

    :raises OscError: when there is none of that name.
    """
    try:
        return TARGETS[name]
    except KeyError:
        raise OscError(f'unknown target {name!r}: use one of {", ".join(TARGETS)}') from None
