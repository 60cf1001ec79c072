"""CSV files with every number, its unit, its level of theory and the node it came from."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.report.records import COMPUTED, CampaignRecord, MoleculeRecord, Number

NUMBERS, INITIAL, MOLECULES, HISTORY, NODES = (
    'numbers.csv', 'initial.csv', 'molecules.csv', 'history.csv', 'nodes.csv',
)  # fmt: skip
#: A spreadsheet takes a text that begins so for a formula.
FORMULA = ('=', '+', '-', '@', '\t', '\r')
NOT_STORED = 'not stored: the campaign has not ended'
NUMBER_HEADER = (
    'iteration', 'role', 'inchikey', 'smiles', 'quantity', 'kind', 'value', 'sigma', 'unit', 'level', 'environment',
    'node_uuid', 'process_uuid',
)  # fmt: skip
MOLECULE_HEADER = (
    'iteration', 'role', 'inchikey', 'smiles', 'family', 'front', 'status', 'reason', 'promoted_for',
    'generator_uuid', 'surrogate_uuid', 'select_uuid', 'job_uuid', 'labels_uuid',
)  # fmt: skip
MOLECULE_NODES = ('generator', 'surrogate', 'select', 'job', 'labels')
HISTORY_HEADER = ('iteration', 'role', 'quantity', 'of', 'value', 'unit', 'node_uuid')
COUNTS = ('selected', 'computed', 'flagged', 'failed', 'hits')

Row = Sequence[Any]


def escape(cell: Any) -> Any:
    """Return the cell, with an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_csv(path: Path, header: Row, rows: Iterable[Row]) -> None:
    """Write one table; None becomes an empty cell."""
    with path.open('w', newline='', encoding='utf-8') as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows([escape(cell) for cell in row] for row in rows)


def write_tables(record: CampaignRecord, folder: Path) -> list[Path]:
    """Write all tables of the campaign into ``folder`` and return their paths."""
    tables: dict[str, tuple[Row, Iterable[Row]]] = {
        NUMBERS: (NUMBER_HEADER, (_number_row(*pair) for pair in listed_numbers(record))),
        INITIAL: (NUMBER_HEADER, initial_rows(record)),
        MOLECULES: (MOLECULE_HEADER, map(_molecule_row, record.molecules)),
        HISTORY: (HISTORY_HEADER, history_rows(record)),
        NODES: (('pk', 'uuid', 'what'), ((ref.pk, ref.uuid, ref.what) for ref in record.nodes)),
    }
    for name, (header, rows) in tables.items():
        write_csv(folder / name, header, rows)
    return [folder / name for name in tables]


def listed_numbers(record: CampaignRecord) -> list[tuple[MoleculeRecord, Number]]:
    """Return every number of every molecule in the order of ``numbers.csv``; its first one stands in row 2."""
    return [(molecule, number) for molecule in record.molecules for number in molecule.numbers]


def _number_row(molecule: MoleculeRecord, number: Number) -> Row:
    column = number.column
    return (
        molecule.iteration, molecule.role, molecule.inchikey, molecule.smiles, column.target, number.kind,
        number.value, number.sigma, number.unit, column.level, column.environment, number.node.uuid,
        None if number.process is None else number.process.uuid,
    )  # fmt: skip


def _molecule_row(molecule: MoleculeRecord) -> Row:
    nodes = [molecule.nodes[name].uuid if name in molecule.nodes else None for name in MOLECULE_NODES]
    return (
        molecule.iteration, molecule.role, molecule.inchikey, molecule.smiles, molecule.family, molecule.front,
        molecule.status, molecule.reason, ' '.join(molecule.hits), *nodes,
    )  # fmt: skip


def initial_rows(record: CampaignRecord) -> Iterator[Row]:
    """Yield the labels that the campaign started from, in the columns of its objectives."""
    table = record.initial
    for column in (key for key in record.columns() if key in table.columns):
        values = table.values(column)
        for row in np.flatnonzero(np.isfinite(values)):
            yield (
                0, 'initial', table.inchikeys[row], table.smiles[row], column.target, COMPUTED, float(values[row]),
                None, column.definition.unit, column.level, column.environment, record.initial_node.uuid, None,
            )  # fmt: skip


def history_rows(record: CampaignRecord) -> Iterator[Row]:
    """Yield every figure of the history."""
    node = record.history_node.uuid if record.history_node is not None else NOT_STORED
    for cost in record.costs:
        yield cost.iteration, cost.role, cost.name, '', cost.value, 's', cost.node.uuid
    for entry in record.history['iterations']:
        number = entry['iteration']
        for name in ('generated', 'candidates'):
            yield number, '', name, '', entry[name], '1', node
        for family, count in (entry.get('proposed_by_family') or {}).items():
            yield number, '', 'proposed inside the windows by prediction', family, count, '1', node
        for role, part in (('batch', entry), ('control', entry['control'])):
            if part is None:
                continue
            for family, count in (part.get('predicted_by_family') or {}).items():
                yield number, role, 'inside the windows by prediction', family, count, '1', node
            for name in COUNTS:
                yield number, role, name, '', part[name], '1', node
            for family, hits in part['hits_by_family'].items():
                yield number, role, 'hits', family, hits, '1', node
        for role, key in (('batch', 'hypervolume'), ('control', 'hypervolume_control')):
            for family, value in entry.get(key, {}).items():
                yield number, role, 'hypervolume', family, value, '1', node
        for column, best in entry['best'].items():
            yield number, 'batch', 'best', column, best['value'], best['unit'], node
        for role, key in (('batch', 'errors'), ('control', 'errors_control')):
            yield from ((number, role, *row, node) for row in _error_rows(entry[key]))


def _error_rows(errors: Mapping[str, Any]) -> Iterator[Row]:
    for column, values in errors.items():
        unit = Column.parse(column).definition.unit
        for name, value in values.items():
            if name != 'unit':
                yield name, column, value, unit if name in ('mae', 'bias') else '1'
