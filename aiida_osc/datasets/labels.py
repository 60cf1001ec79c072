"""Labelling in jobs: deal molecules into chunks of equal cost, and put the parts together again."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from rdkit import Chem

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.merge import merge_tables
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

#: Status of a molecule whose job ended before its turn.
NOT_TREATED = 'not_treated'
FAILED = 'failed'
#: Names of the counts and costs that are added up over jobs.
COUNTS = ('ok', 'flagged', 'failed', 'gradients')
COSTS = ('cpu_seconds', 'wall_seconds', 'engine_seconds')


def chunk(table: MoleculeTable, size: int) -> list[MoleculeTable]:
    """Return ``table`` dealt into chunks of at most ``size`` molecules and about equal cost.

    Molecules are dealt by falling number of heavy atoms, forth and back, so that jobs that run side by side end
    together; within a chunk the largest come first, so that the cores of a job end together.

    :raises OscError: when ``size`` is not positive.
    """
    if size < 1:
        raise OscError(f'chunk size {size}: give a positive number of molecules per job')
    count = -(-len(table) // size)
    rows = sorted(range(len(table)), key=lambda row: (-_heavy_atoms(table.smiles[row]), row))
    chunks: list[list[int]] = [[] for _ in range(count)]
    for position, row in enumerate(rows):
        lap, place = divmod(position, count)
        chunks[place if lap % 2 == 0 else count - 1 - place].append(row)
    return [table.take(picked) for picked in chunks]


def _heavy_atoms(smiles: str) -> int:
    mol = Chem.MolFromSmiles(smiles, sanitize=False)
    return 0 if mol is None else int(mol.GetNumHeavyAtoms())


def labelled(table: MoleculeTable, columns: Collection[Column]) -> set[str]:
    """Return the InChIKeys of the molecules that have a value in every one of the columns."""
    if not all(column in table.columns for column in columns):
        return set()
    there = np.all([np.isfinite(table.columns[column]) for column in columns], axis=0)
    return {key for key, is_there in zip(table.inchikeys, there, strict=True) if is_there}


def without(table: MoleculeTable, known: Sequence[MoleculeTable], columns: Collection[Column]) -> MoleculeTable:
    """Return the molecules of ``table`` that none of the ``known`` tables has all the columns for."""
    done = {key for other in known for key in labelled(other, columns)}
    return table.take([row for row, key in enumerate(table.inchikeys) if key not in done])


def join_labels(
    asked: MoleculeTable, known: Sequence[MoleculeTable], computed: Sequence[MoleculeTable], columns: Collection[Column]
) -> MoleculeTable:
    """Return the molecules of ``asked`` that have labels, in their order, with the columns that were asked for.

    :param asked: what was to be computed; its own columns are left out.
    :param known: tables with labels from earlier, of which only ``columns`` are taken.
    :param computed: tables with new labels, of which all columns are taken; the first value of several stays.
    """
    bare = MoleculeTable(asked.smiles, asked.inchikeys, asked.source)
    parts = {f'computed {number}': table for number, table in enumerate(computed)}
    for number, table in enumerate(known):
        parts[f'known {number}'] = table.only(columns)
    union = merge_tables({'asked': bare, **parts}).table.take(range(len(bare)))
    values = np.array(list(union.columns.values())).reshape(-1, len(union))
    rows = np.flatnonzero(np.isfinite(values).any(axis=0)).tolist()
    return _without_empty_columns(union.take(rows))


def _without_empty_columns(table: MoleculeTable) -> MoleculeTable:
    return table.only([column for column, values in table.columns.items() if np.isfinite(values).any()])


def join_geometries(tables: Sequence[GeometryTable], molecules: Collection[str]) -> GeometryTable:
    """Return the structures of those molecules; the first one of each molecule and charge stays.

    :param molecules: InChIKeys.
    :raises OscError: when the tables are of different levels.
    """
    levels = sorted({table.level for table in tables if len(table)})
    if len(levels) > 1:
        raise OscError(f'geometries of levels {" and ".join(levels)} cannot share a table: collect them apart')
    level = levels[0] if levels else (tables[0].level if tables else 'none')
    found: dict[tuple[str, int], Geometry] = {}
    for item in (item for table in tables for item in table.geometries if item.inchikey in molecules):
        found.setdefault((item.inchikey, item.charge), item)
    return GeometryTable(list(found.values()), level)


def collect_failures(
    asked: MoleculeTable, done: Collection[str], results: Sequence[Mapping[str, Any]], reasons: Mapping[str, str]
) -> dict[str, Any]:
    """Return why molecules have no labels, or values were ``dropped``, and the sums of counts and costs over all jobs.

    :param asked: the molecules that were to be computed.
    :param done: InChIKeys of those that have the labels that were asked for.
    :param results: summaries of the jobs that gave something, see :func:`aiida_osc.qc.fourpoint.summary`.
    :param reasons: why a molecule has no labels, by InChIKey, where no job tells.
    """
    told = {key: value for result in results for key, value in result.get('failures', {}).items()}
    molecules: dict[str, dict[str, Any]] = {}
    for smiles, key in zip(asked.smiles, asked.inchikeys, strict=True):
        if key in done:
            continue
        said = {'smiles': smiles, 'status': FAILED, 'stage': None, 'reason': reasons.get(key)}
        molecules[key] = dict(told.get(key) or (said if said['reason'] else _not_treated(smiles)))
    totals: dict[str, Any] = {'asked': len(asked), 'labelled': len(asked) - len(molecules)}
    totals |= {name: sum(int(result.get(name, 0)) for result in results) for name in COUNTS}
    totals |= {name: round(sum(float(result.get(name, 0.0)) for result in results), 3) for name in COSTS}
    totals[NOT_TREATED] = sum(item['status'] == NOT_TREATED for item in molecules.values())
    dropped = {key: why for result in results for key, why in result.get('dropped', {}).items()}
    return {'molecules': molecules, 'totals': totals, **({'dropped': dropped} if dropped else {})}


def _not_treated(smiles: str) -> dict[str, Any]:
    reason = 'its job ended before its turn: compute it again, with more time or a cure for the failed job'
    return {'smiles': smiles, 'status': NOT_TREATED, 'stage': None, 'reason': reason}
