"""Which columns of a file are properties: names such as ``HOMO_eV``, written columns, and the user's own mapping."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiida_osc.datasets.columns import GAS, Column
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE
from aiida_osc.targets import TARGETS, Target, get_target
from aiida_osc.units import conversion_factor

#: Atomic units are a different unit for each quantity.
ATOMIC_UNITS = {'energy': 'hartree', 'dipole': 'e*bohr', 'polarizability': 'bohr3'}


@dataclass(frozen=True)
class Field:
    """A column of the file: which table column it becomes and the factor to the canonical unit."""

    column: Column
    factor: float


def parse_mapping(text: str) -> tuple[str, str]:
    """Return name and specification of ``NAME=target:unit[@level]``.

    :raises OscError: when the text has another form.
    """
    name, separator, specification = text.partition('=')
    if not (separator and name.strip() and specification.strip()):
        raise OscError(f'{text!r} is no column mapping: write NAME=target:unit or NAME=target:unit@level')
    return name.strip(), specification.strip()


def plan_fields(
    headers: Sequence[str], mapping: Mapping[str, str], level: str | None, environment: str = GAS
) -> tuple[dict[str, Field], tuple[str, ...]]:
    """Return the fields by header, and the headers that look like a property but do not say their unit.

    :param mapping: header -> ``target:unit[@level[@environment]]``; wins over what the header itself says.
    :param level: level of the columns that do not say theirs.
    :raises OscError: for a header that does not exist, a missing level, an unknown unit or two headers of one column.
    """
    missing = [name for name in mapping if name not in headers]
    if missing:
        raise OscError(f'no column {missing[0]!r} in the file: its columns are {", ".join(headers) or "none"}')
    fields: dict[str, Field] = {}
    unclear = []
    for header in headers:
        if header in mapping:
            fields[header] = _mapped(header, mapping[header], level, environment)
        elif (field := _recognised(header, level, environment)) is not None:
            fields[header] = field
        elif _split(header) is not None:
            unclear.append(header)
    _refuse_repeated(fields)
    return fields, tuple(unclear)


def _mapped(header: str, specification: str, level: str | None, environment: str) -> Field:
    property_, *rest = specification.split('@')
    name, _, unit = property_.partition(':')
    target = get_target(name.strip())
    if not unit.strip() and target.quantity != 'number':
        raise OscError(f'column {header!r} needs a unit: write {header}={target.name}:{target.unit}')
    written = '@'.join([target.name, *(part.strip() for part in rest)])
    column = Column.parse(written) if rest else _column(header, target, level, environment)
    return Field(column, _factor(unit.strip() or '1', target))


def _recognised(header: str, level: str | None, environment: str) -> Field | None:
    if '@' in header:
        return Field(Column.parse(header), 1.0) if header.partition('@')[0] in TARGETS else None
    parts = _split(header)
    if parts is None:
        return None
    target, unit = parts
    try:
        factor = _factor(unit or ('1' if target.quantity == 'number' else ''), target)
    except OscError:
        return None
    return Field(_column(header, target, level, environment), factor)


def _split(header: str) -> tuple[Target, str] | None:
    """Return target and unit text of a header such as ``HOMO_eV``, ``lumo (hartree)``, ``IE adiabatic [eV]``."""
    text = re.sub(r'[\s_]+', '_', header.strip().lower())
    # A computed target names its method in a written column; a plain header such as ``TPSA`` may be of any method.
    plain = [name for name, target in TARGETS.items() if name == 'sa_score' or not target.computed]
    for name in sorted(plain, key=len, reverse=True):
        rest = text.removeprefix(name)
        if rest != text and (not rest or rest[0] in '_[(:/'):
            return TARGETS[name], rest.strip('_[]():/')
    return None


def _factor(unit: str, target: Target) -> float:
    """Return the factor to the canonical unit of ``target``."""
    plain = unit.strip().lower()
    if plain in ('au', 'a.u.', 'a.u'):
        plain = ATOMIC_UNITS.get(target.quantity, unit)
    return conversion_factor(plain, target.quantity)


def _column(header: str, target: Target, level: str | None, environment: str) -> Column:
    if target.name == 'sa_score':
        return Column(target.name, SA_SCORE)
    if not level:
        raise OscError(
            f'column {header!r} does not say its level of theory: give one for the file (--level), or map the column '
            f'(--column {header}={target.name}:UNIT@LEVEL)'
        )
    return Column(target.name, level, environment)


def _refuse_repeated(fields: Mapping[str, Field]) -> None:
    seen: dict[Column, str] = {}
    for header, field in fields.items():
        if field.column in seen:
            raise OscError(f'columns {seen[field.column]!r} and {header!r} are both {field.column}: drop one')
        seen[field.column] = header
