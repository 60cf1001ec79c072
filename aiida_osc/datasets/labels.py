"""Labelling in jobs: deal molecules into chunks of equal cost, and put the parts together again."""

from collections.abc import Mapping, Sequence
from typing import Any

from rdkit import Chem

from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

#: Status of a molecule whose job ended before its turn.
NOT_TREATED = 'not_treated'
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


def concatenate(tables: Sequence[MoleculeTable]) -> MoleculeTable:
    """Return the rows of all tables, in order; of a repeated InChIKey the first row stays."""
    result: MoleculeTable = MoleculeTable()
    columns = sorted({column for table in tables for column in table.columns})
    rows = [(table, row) for table in tables for row in range(len(table))]
    seen: dict[str, tuple[MoleculeTable, int]] = {}
    for table, row in rows:
        seen.setdefault(table.inchikeys[row], (table, row))
    kept = list(seen.values())
    if kept:
        result = MoleculeTable(
            tuple(table.smiles[row] for table, row in kept),
            tuple(table.inchikeys[row] for table, row in kept),
            tuple(table.source[row] for table, row in kept),
            {column: [_value(table, column, row) for table, row in kept] for column in columns},  # type: ignore[misc]
        )
    return result


def _value(table: MoleculeTable, column: Any, row: int) -> float:
    return float(table.columns[column][row]) if column in table.columns else float('nan')


def concatenate_geometries(tables: Sequence[GeometryTable]) -> GeometryTable:
    """Return the structures of all tables.

    :raises OscError: when the tables are of different levels.
    """
    levels = sorted({table.level for table in tables if len(table)})
    if len(levels) > 1:
        raise OscError(f'geometries of levels {" and ".join(levels)} cannot share a table: collect them apart')
    level = levels[0] if levels else (tables[0].level if tables else 'none')
    return GeometryTable([item for table in tables for item in table.geometries], level)


def collect_failures(
    asked: Sequence[MoleculeTable], labelled: MoleculeTable, results: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return why each molecule without labels has none, and the sums of counts and costs over all jobs.

    :param asked: the molecules of every job, also of jobs that gave nothing.
    :param labelled: the molecules that have labels.
    :param results: summaries of the jobs that gave something, see :func:`aiida_osc.qc.fourpoint.summary`.
    """
    reasons = {key: value for result in results for key, value in result.get('failures', {}).items()}
    done = set(labelled.inchikeys)
    molecules: dict[str, dict[str, Any]] = {}
    for table in asked:
        for smiles, key in zip(table.smiles, table.inchikeys, strict=True):
            if key not in done:
                molecules[key] = dict(reasons.get(key) or _not_treated(smiles))
    totals: dict[str, Any] = {'asked': sum(map(len, asked)), 'labelled': len(labelled)}
    totals |= {name: sum(int(result.get(name, 0)) for result in results) for name in COUNTS}
    totals |= {name: round(sum(float(result.get(name, 0.0)) for result in results), 3) for name in COSTS}
    totals[NOT_TREATED] = sum(item['status'] == NOT_TREATED for item in molecules.values())
    return {'molecules': molecules, 'totals': totals}


def _not_treated(smiles: str) -> dict[str, Any]:
    reason = 'its job ended before its turn: compute it again, with more time or a cure for the failed job'
    return {'smiles': smiles, 'status': NOT_TREATED, 'stage': None, 'reason': reason}
