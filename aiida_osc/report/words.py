"""How quantities, families and node identifiers are written for people."""

from aiida_osc.datasets.columns import Column

NAMES = {
    'homo': 'HOMO',
    'lumo': 'LUMO',
    'gap': 'orbital gap',
    'ie_vertical': 'vertical IE',
    'ie_adiabatic': 'adiabatic IE',
    'ea_vertical': 'vertical EA',
    'ea_adiabatic': 'adiabatic EA',
    'lambda_hole': 'λ hole',
    'lambda_electron': 'λ electron',
    'dipole': 'dipole',
    'polarizability': 'polarizability',
    'sa_score': 'SA score',
    'tpsa': 'TPSA',
    'logp_surrogate': 'logP surrogate',
    'hansen_dispersion_surrogate': 'Hansen dispersion surrogate',
    'hansen_polar_surrogate': 'Hansen polar surrogate',
    'hansen_hydrogen_surrogate': 'Hansen hydrogen surrogate',
}
#: Digits behind the point; two for what has no more meaning.
DIGITS = {'dipole': 2, 'polarizability': 1, 'sa_score': 2}


def quantity(column: Column) -> str:
    """Return the name of the target."""
    return target_name(column.target)


def target_name(target: str) -> str:
    """Return the name of a target by its key."""
    return NAMES.get(target, target.replace('_', ' '))


def unit(column: Column) -> str:
    """Return the unit as printed; nothing for pure numbers."""
    name = column.definition.unit
    return {'1': '', 'bohr^3': 'bohr³', 'angstrom': 'Å', 'angstrom^2': 'Å²', 'MPa^0.5': '√MPa'}.get(name, name)


def axis(column: Column) -> str:
    """Return the label of an axis."""
    return f'{quantity(column)} / {unit(column)}' if unit(column) else quantity(column)


def number(value: float | None, column: Column) -> str:
    """Return a value with the digits that its target deserves; a dash for None."""
    return '–' if value is None else f'{value:.{DIGITS.get(column.target, 3)}f}'.replace('-', '−')


def family(name: str | None) -> str:
    """Return the name of a family."""
    return (name or '').replace('_', '-')


def short(uuid: str) -> str:
    """Return the first block of a UUID, which AiiDA accepts where it is unambiguous."""
    return uuid[:8]
