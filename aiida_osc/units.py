"""Every conversion factor of the package, from CODATA 2022 (doi 10.1103/RevModPhys.97.025002)."""

from aiida_osc.errors import OscError

HARTREE_TO_EV = 27.211386245981
BOHR_TO_ANGSTROM = 0.529177210544
AU_TO_DEBYE = 2.5417464715
KCALMOL_TO_EV = 0.0433641043
KJMOL_TO_EV = 0.01036426966
#: Root of hartree / (bohr^2 u), the frequency of a mass-weighted Hessian, in cm^-1.
HESSIAN_TO_WAVENUMBER = 5140.48714

#: unit name as users write it -> (quantity, factor to the canonical unit of that quantity)
UNITS: dict[str, tuple[str, float]] = {
    'ev': ('energy', 1.0),
    'mev': ('energy', 1e-3),
    'hartree': ('energy', HARTREE_TO_EV),
    'ha': ('energy', HARTREE_TO_EV),
    'kcal/mol': ('energy', KCALMOL_TO_EV),
    'kcalmol': ('energy', KCALMOL_TO_EV),
    'kj/mol': ('energy', KJMOL_TO_EV),
    'kjmol': ('energy', KJMOL_TO_EV),
    'debye': ('dipole', 1.0),
    'd': ('dipole', 1.0),
    'e*bohr': ('dipole', AU_TO_DEBYE),
    'bohr3': ('polarizability', 1.0),
    'a.u.': ('polarizability', 1.0),
    'au': ('polarizability', 1.0),
    'angstrom3': ('polarizability', BOHR_TO_ANGSTROM**-3),
    '1': ('number', 1.0),
    'angstrom': ('length', 1.0),
    'nm': ('length', 10.0),
    'angstrom2': ('area', 1.0),
    'g/mol': ('molar_mass', 1.0),
    'mpa0.5': ('solubility', 1.0),
    'mpa1/2': ('solubility', 1.0),
}

#: quantity -> canonical unit, as written in attributes, tables and reports
CANONICAL_UNIT = {
    'energy': 'eV',
    'dipole': 'Debye',
    'polarizability': 'bohr^3',
    'number': '1',
    'length': 'angstrom',
    'area': 'angstrom^2',
    'molar_mass': 'g/mol',
    'solubility': 'MPa^0.5',
}


def conversion_factor(unit: str, quantity: str) -> float:
    """Return the factor that turns a value in ``unit`` into the canonical unit of ``quantity``.

    :param unit: a key of :data:`UNITS`, case-insensitive.
    :param quantity: a key of :data:`CANONICAL_UNIT`.
    :raises OscError: when the unit is unknown or measures something else.
    """
    known = UNITS.get(unit.strip().lower().replace('^', ''))
    allowed = sorted(name for name, (kind, _) in UNITS.items() if kind == quantity)
    if known is None or known[0] != quantity:
        raise OscError(f'unit {unit!r} does not measure {quantity}: use one of {", ".join(allowed)}')
    return known[1]
