"""Columns that follow from graph or structure by a formula."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from aiida_osc.chem import descriptors as plain
from aiida_osc.chem.hansen import METHOD, hansen
from aiida_osc.chem.hansen_partners import Partner
from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.chem.packing import packing
from aiida_osc.chem.synthesis import sa_score
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE
from aiida_osc.qc.placing import place_atoms
from aiida_osc.settings import Settings

#: Level of what follows from the graph alone.
GRAPH = 'graph'
#: Names of molecules in a report.
LISTED = 20

#: Target and level of a value.
Key = tuple[str, str]


@dataclass(frozen=True)
class DescribeSettings(Settings):
    """What to compute.

    :param descriptors: plain descriptors of the graph.
    :param sa_score: synthetic accessibility.
    :param packing: surrogate of packing, from structures where there are any.
    :param hansen: Hansen parameters, surrogates of solubility.
    :param partners: with whom molecules shall mix, see :meth:`Partner.parse`; one column each.
    :param dipole: written column with the dipoles that the polar Hansen parameter follows from; empty for increments.
    """

    descriptors: bool = True
    sa_score: bool = True
    packing: bool = True
    hansen: bool = True
    partners: Sequence[str] = ()
    dipole: str = ''

    def __post_init__(self) -> None:
        """Make a tuple of the partners."""
        object.__setattr__(self, 'partners', tuple(self.partners))


def describe_table(
    table: MoleculeTable, settings: DescribeSettings, geometries: GeometryTable | None = None
) -> tuple[MoleculeTable, dict[str, Any]]:
    """Return the table with computed columns, NaN where a molecule cannot be described, and a report.

    :param geometries: structures of neutral molecules; the packing surrogate of the others is NaN then.
    :raises OscError: when the table is empty, a partner is unknown or the column of dipoles does not exist.
    """
    if not len(table):
        raise OscError('there are no molecules to describe')
    partners = [Partner.parse(text) for text in settings.partners]
    dipoles = _dipoles(table, settings.dipole)
    structures = _structures(geometries)
    columns: dict[Key, np.ndarray] = {}
    uncovered: Counter[str] = Counter()
    unparsable, faults = [], Counter[str]()
    for row, (key, smiles) in enumerate(zip(table.inchikeys, table.smiles, strict=True)):
        try:
            mol = parse_smiles(smiles)
        except MoleculeError:
            unparsable.append(key)
            continue
        values = dict(_of_graph(mol, settings))
        if settings.packing:
            values |= _packing(mol, smiles, geometries, structures.get(key), faults)
        if settings.hansen or partners:
            dipole = None if dipoles is None else float(dipoles[row])
            values |= _hansen(mol, dipole, settings, partners, uncovered)
        for name, value in values.items():
            if name not in columns:
                columns[name] = np.full(len(table), np.nan)
            columns[name][row] = value
    described = table.with_columns({Column(*name): values for name, values in columns.items()})
    counts = described.coverage()
    report = {
        'molecules': len(table),
        'columns': {name: counts[name] for name in map(str, sorted(Column(*name) for name in columns))},
        'uncovered_groups': dict(uncovered.most_common()),
        'structures': dict(faults),
        'unparsable': {'count': len(unparsable), 'molecules': unparsable[:LISTED]},
    }
    return described, report


def _of_graph(mol: Chem.Mol, settings: DescribeSettings) -> Iterator[tuple[Key, float]]:
    if settings.descriptors:
        yield from (((name, plain.METHOD), value) for name, value in plain.descriptors(mol).items())
    if settings.sa_score:
        yield ('sa_score', SA_SCORE), sa_score(mol)


def _packing(
    mol: Chem.Mol, smiles: str, geometries: GeometryTable | None, item: Geometry | None, faults: Counter[str]
) -> dict[Key, float]:
    if geometries is None:
        return {('packing_surrogate', GRAPH): packing(mol).propensity}
    if item is None:
        faults['missing'] += 1
        return {}
    try:
        placed = place_atoms(smiles, item.numbers, item.positions)
    except OscError:
        faults['other molecule'] += 1
        return {}
    faults['used'] += 1
    found = packing(parse_smiles(placed.smiles), placed.positions)
    values = {'packing_surrogate': found.propensity, 'planarity_surrogate': found.planarity}
    values['aspect_ratio_surrogate'] = found.aspect_ratio
    return {(name, geometries.level): value for name, value in values.items()}


def _hansen(
    mol: Chem.Mol, dipole: float | None, settings: DescribeSettings, partners: Sequence[Partner], uncovered: Counter
) -> dict[Key, float]:
    level = METHOD if dipole is None else f'{METHOD}+dipole[{" in ".join(settings.dipole.split("@")[1:])}]'
    found = hansen(mol, dipole)
    uncovered.update(found.uncovered or (('no dipole',) if np.isnan(found.polar) else ()))
    values = {('miscibility_surrogate', f'{level}:{item.name}'): found.distance(item.parameters) for item in partners}
    if settings.hansen:
        for name in ('dispersion', 'hydrogen'):
            values[f'hansen_{name}_surrogate', METHOD] = getattr(found, name)
        values['hansen_polar_surrogate', level] = found.polar
    return values


def _dipoles(table: MoleculeTable, name: str) -> np.ndarray | None:
    if not name:
        return None
    column = Column.parse(name)
    if column.target != 'dipole' or column not in table.columns:
        known = ', '.join(str(item) for item in table.columns if item.target == 'dipole') or 'none'
        raise OscError(f'no dipoles in a column {name}: the table has {known}')
    return table.values(column)


def _structures(geometries: GeometryTable | None) -> dict[str, Geometry]:
    """Return the first structure of each neutral molecule."""
    found: dict[str, Geometry] = {}
    for item in geometries.geometries if geometries is not None else ():
        if item.charge == 0:
            found.setdefault(item.inchikey, item)
    return found
