"""The properties aiida-osc knows: name, unit, plausible range and sign convention, in one table."""

from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.units import CANONICAL_UNIT


@dataclass(frozen=True)
class Target:
    """One property; ``low`` and ``high`` bound what is physically plausible, in the canonical unit.

    :param computed: whether it follows from graph or structure by a formula, so that it need not be learnt.
    """

    name: str
    quantity: str
    low: float
    high: float
    help: str
    computed: bool = False

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
        Target('sa_score', 'number', 1.0, 10.0, 'Synthetic accessibility (Ertl, Schuffenhauer), 10 is hard.', True),
        Target('molar_mass', 'molar_mass', 1.0, 1e4, 'Average molar mass.', True),
        Target('heavy_atoms', 'number', 1.0, 1000.0, 'Atoms other than hydrogen.', True),
        Target('rings', 'number', 0.0, 300.0, 'Rings of the smallest set.', True),
        Target('rotatable_bonds', 'number', 0.0, 300.0, 'Single bonds about which parts turn.', True),
        Target('conjugated_share', 'number', 0.0, 1.0, 'Heavy atoms that belong to the largest conjugated part.', True),
        Target('tpsa', 'area', 0.0, 5000.0, 'Topological polar surface area.', True),
        Target('logp_surrogate', 'number', -50.0, 100.0, 'Octanol-water partition by the increments of Crippen.', True),
        Target('packing_surrogate', 'number', 0.0, 1.0, 'Propensity to stack: conjugated, bare, flat.', True),
        Target('planarity_surrogate', 'length', 0.0, 10.0, 'Root mean square distance from the mean plane.', True),
        Target('aspect_ratio_surrogate', 'number', 1.0, 50.0, 'Length over width of the conjugated part.', True),
        Target('hansen_dispersion_surrogate', 'solubility', 9.0, 40.0, 'Hansen parameter of dispersion.', True),
        Target('hansen_polar_surrogate', 'solubility', 0.0, 60.0, 'Hansen parameter of polarity.', True),
        Target('hansen_hydrogen_surrogate', 'solubility', 0.0, 60.0, 'Hansen parameter of hydrogen bonds.', True),
        Target('miscibility_surrogate', 'solubility', 0.0, 100.0, 'Hansen distance from a partner, 0 = alike.', True),
    )
}

#: Follow from graph or structure by a formula, so never predicted unless asked for.
COMPUTED = tuple(target.name for target in TARGETS.values() if target.computed)


def get_target(name: str) -> Target:
    """Return the target called ``name``.

    :raises OscError: when there is none of that name.
    """
    try:
        return TARGETS[name]
    except KeyError:
        raise OscError(f'unknown target {name!r}: use one of {", ".join(TARGETS)}') from None
