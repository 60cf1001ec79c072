"""Read the published values that ship with the package, and refuse what cannot be right."""

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aiida_osc.chem.molecules import standardise
from aiida_osc.errors import OscError
from aiida_osc.targets import get_target

FILE = 'reference_values.csv'
HEADER = ('name', 'smiles', 'inchikey', 'target', 'value_eV', 'uncertainty_eV', 'kind', 'doi', 'note')
#: What may be called a reference, the better one first.
KINDS = ('experiment', 'CCSD(T)', 'B3LYP')
#: Energies of the free molecule only: a film or an orbital is another quantity.
TARGETS = ('ie_vertical', 'ie_adiabatic', 'ea_vertical', 'ea_adiabatic', 'lambda_hole', 'lambda_electron')
#: Syntax of the DOI handbook, with the characters that publishers use (doi 10.1000/182).
DOI = re.compile(r'10\.\d{4,9}/[-._;()/:A-Za-z0-9]+')


@dataclass(frozen=True)
class Reference:
    """One published value.

    :param target: one of :data:`TARGETS`.
    :param value: in eV.
    :param uncertainty: in eV, as stated or by the rounding of the source; None where the source states none.
    :param kind: one of :data:`KINDS`.
    :param doi: of the publication or of the data base.
    """

    name: str
    smiles: str
    inchikey: str
    target: str
    value: float
    uncertainty: float | None
    kind: str
    doi: str
    note: str = ''

    @property
    def rank(self) -> tuple[int, float]:
        """Return a key that sorts the most trustworthy value first."""
        return KINDS.index(self.kind), math.inf if self.uncertainty is None else self.uncertainty


@cache
def load_reference() -> tuple[Reference, ...]:
    """Return the values that ship with the package."""
    text = files('aiida_osc.qc.reference').joinpath(FILE).read_text(encoding='utf-8')
    return parse_reference(text)


def parse_reference(text: str) -> tuple[Reference, ...]:
    """Return the values of a table.

    :param text: CSV with the columns of :data:`HEADER`.
    :raises OscError: with the number of the line, when a value cannot be what the table says.
    """
    rows = csv.DictReader(io.StringIO(text))
    if tuple(rows.fieldnames or ()) != HEADER:
        raise OscError(f'{FILE} must have the columns {", ".join(HEADER)}')
    found: dict[tuple[str, str, str], Reference] = {}
    for number, row in enumerate(rows, start=2):
        try:
            reference = _reference(row)
        except OscError as exception:
            raise OscError(f'line {number} of {FILE}: {exception}') from None
        key = (reference.inchikey, reference.target, reference.kind)
        if key in found:
            raise OscError(f'line {number} of {FILE}: {reference.name} has its {reference.target} twice; keep one')
        found[key] = reference
    return tuple(found.values())


def preferred(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """Return one value per molecule and target: experiment before theory, then the smallest uncertainty."""
    best: dict[tuple[str, str], Reference] = {}
    for item in references:
        key = (item.inchikey, item.target)
        if key not in best or item.rank < best[key].rank:
            best[key] = item
    return tuple(best.values())


def _reference(row: dict[str, str]) -> Reference:
    """Return the value of one row.

    :raises OscError: when something of it cannot be right.
    """
    if None in row or None in row.values():
        raise OscError(f'it does not have {len(HEADER)} cells')
    molecule = standardise(row['smiles'])
    if (molecule.smiles, molecule.inchikey) != (row['smiles'], row['inchikey']):
        raise OscError(f'write {molecule.smiles} with the InChIKey {molecule.inchikey}')
    if row['target'] not in TARGETS:
        raise OscError(f'target {row["target"]!r}: use one of {", ".join(TARGETS)}')
    if row['kind'] not in KINDS:
        raise OscError(f'kind {row["kind"]!r}: use one of {", ".join(KINDS)}')
    if not DOI.fullmatch(row['doi']):
        raise OscError(f'{row["doi"]!r} is no DOI: write it without a prefix, such as 10.1063/1.4937761')
    value = _number(row['value_eV'])
    target = get_target(row['target'])
    if not target.low <= value <= target.high:
        raise OscError(f'{value} eV lies outside [{target.low:g}, {target.high:g}] of {target.name}')
    uncertainty = _number(row['uncertainty_eV']) if row['uncertainty_eV'] else None
    if uncertainty is not None and not 0 < uncertainty < 1:
        raise OscError(f'an uncertainty of {uncertainty} eV makes no reference')
    return Reference(
        row['name'], molecule.smiles, molecule.inchikey, target.name, value, uncertainty, row['kind'], row['doi'],
        row['note'],
    )  # fmt: skip


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise OscError(f'{text!r} is no number') from None
    if not math.isfinite(value):
        raise OscError(f'{text!r} is no finite number')
    return value
