"""Tables as lines of text, for ``aiida-osc data show``."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from aiida_osc.chem.molecules import MoleculeError, standardise
from aiida_osc.datasets.columns import GAS
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError


def describe_table(table, rows: int) -> Iterator[str]:
    """Yield the lines that describe a molecule or geometry table and its first ``rows`` entries."""
    yield from _molecules(table, rows) if isinstance(table, MoleculeTable) else _geometries(table, rows)


def describe_molecule(table, text: str) -> Iterator[str]:
    """Yield one line per value of the molecule that an InChIKey or a SMILES names, with level and origin.

    :raises OscError: when it is not in the table.
    """
    row = _find_row(table, text)
    yield f'{table.inchikeys[row]}  {table.smiles[row]}  source: {table.source[row]}'
    for column, values in table.columns.items():
        origin = table.origin(column, row)
        if origin is not None:
            where = '' if column.environment == GAS else f' in {column.environment}'
            yield f'{column.target} {values[row]:.6g} {column.definition.unit}  at {column.level}{where}  from {origin}'


def _find_row(table, text: str) -> int:
    if not isinstance(table, MoleculeTable):
        raise OscError('this is a set of geometries: --molecule shows the values of a molecule set')
    if text in (index := table.index()):
        return index[text]
    try:
        key = standardise(text).inchikey
    except MoleculeError as exception:
        raise OscError(f'{text!r} is no InChIKey of this set, and no SMILES ({exception})') from None
    if key not in index:
        raise OscError(f'{text} ({key}) is not in this set')
    return index[key]


def _molecules(table, rows: int) -> Iterator[str]:
    yield f'{len(table)} molecules, content {table.content_hash()[:16]}'
    sources = Counter(table.source)
    yield 'sources: ' + ', '.join(f'{name} ({count})' for name, count in sources.most_common())
    width = max((len(str(column)) for column in table.columns), default=0)
    if table.columns:
        yield f'{"column":<{width}}  {"unit":<8}{"labels":>8}{"min":>12}{"median":>12}{"max":>12}'
    for column, values in table.columns.items():
        known = values[np.isfinite(values)]
        numbers = (known.min(), np.median(known), known.max()) if len(known) else ()
        cells = ''.join(f'{number:>12.4f}' for number in numbers)
        yield f'{column!s:<{width}}  {column.definition.unit:<8}{len(known):>8}{cells}'
    for row in range(min(rows, len(table))):
        values = ' '.join(
            f'{column.target}={column_values[row]:.4g}'
            for column, column_values in table.columns.items()
            if np.isfinite(column_values[row])
        )
        yield f'{table.inchikeys[row]}  {table.smiles[row]}  {values}'.rstrip()


def _geometries(table, rows: int) -> Iterator[str]:
    yield f'{len(table)} structures at {table.level}, content {table.content_hash()[:16]}'
    charges = Counter(item.charge for item in table.geometries)
    yield 'charges: ' + ', '.join(f'{charge:+d} ({count})' for charge, count in sorted(charges.items()))
    for item in table.geometries[:rows]:
        yield f'{item.inchikey}  charge {item.charge:+d}  {len(item.numbers)} atoms'


def describe_sources() -> Iterator[str]:
    """Yield the lines that describe the known data sets."""
    from aiida_osc.datasets.sources.registry import get_source, names

    for name in names():
        source = get_source(name)
        yield f'{name:<12}{source.title}'
        levels: dict[str, list[str]] = {}
        for column in source.written_columns():
            where = column.level if column.environment == 'gas' else f'{column.level} in {column.environment}'
            levels.setdefault(where, []).append(f'{column.target} ({column.definition.unit})')
        for level, targets in levels.items():
            yield f'{"":<12}{level}: {", ".join(targets)}'
        if source.structures is not None:
            yield f'{"":<12}structures: {source.geometry_level or "level of your own"}'
        cited = ', doi '.join(text for text in (source.citation, source.doi) if text)
        for label, text in (('licence', source.licence), ('cite', cited), ('from', source.url), ('note', source.notes)):
            if text:
                yield f'{"":<12}{label}: {text}'
