"""Split a table into training, validation and test, and report on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.datasets.splitting.assign import NOWHERE, PARTS, TEST, TRAIN, assign
from aiida_osc.datasets.splitting.groups import Groups, find_groups
from aiida_osc.datasets.splitting.leaks import LISTED, find_leaks
from aiida_osc.datasets.splitting.settings import SplitSettings
from aiida_osc.datasets.spread import spread
from aiida_osc.errors import OscError

MIN_MOLECULES = 3
NO_LABELS, CONSTANT = 'no labels in the training part', 'constant in the training part'


@dataclass(frozen=True)
class Split:
    """The parts, each in the order of the table, and a report of plain JSON types."""

    train: MoleculeTable
    validation: MoleculeTable
    test: MoleculeTable
    report: dict[str, Any]


def split_table(table: MoleculeTable, settings: SplitSettings, *, seed: int) -> Split:
    """Split a table; equal tables, settings and seeds give equal parts.

    :raises OscError: when there are too few molecules, or a column that is named does not exist.
    """
    if len(table) < MIN_MOLECULES:
        raise OscError(f'{len(table)} molecules cannot be split: give at least {MIN_MOLECULES}')
    columns = _columns(table, settings)
    groups = find_groups(table, settings)
    places = assign(table, groups, settings, seed)
    parts = {name: table.take(np.flatnonzero(places == number)) for number, name in enumerate(PARTS)}
    if not len(parts['train']):
        raise OscError('no molecule is left for training: change the fractions, or split by something else')
    report = {
        'settings': {**settings.to_dict(), 'fractions': list(settings.fractions), 'columns': list(map(str, columns))},
        'seed': seed,
        'counts': {name: len(part) for name, part in parts.items()},
        'common_test': _common_test(table, places, groups),
        'groups': {'count': int(groups.alike.max()) + 1, 'largest': int(np.bincount(groups.alike).max())},
        'labels': {name: part.coverage() for name, part in parts.items()},
        'leaks': find_leaks(parts, tautomers=settings.tautomers),
        'normalisation': {str(column): normalisation(parts['train'].values(column)) for column in columns},
        'unparsable': [table.inchikeys[row] for row in groups.unparsable[:LISTED]],
        'flags': [],
    }
    report['flags'] = _flags(report, len(groups.unparsable))
    return Split(**parts, report=report)


def normalisation(values: np.ndarray) -> dict[str, Any]:
    """Return number, mean and standard deviation of the labels, and what is wrong with them.

    :param values: labels of the training part, NaN where missing, shape ``(molecules,)``.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return {'labels': 0, 'mean': None, 'std': None, 'flag': NO_LABELS}
    std = spread(known)
    return {'labels': len(known), 'mean': float(known.mean()), 'std': std, 'flag': None if std else CONSTANT}


def _columns(table: MoleculeTable, settings: SplitSettings) -> tuple[Column, ...]:
    if settings.columns is None:
        return tuple(table.columns)
    wanted = tuple(Column.parse(name) for name in settings.columns)
    missing = [str(column) for column in wanted if column not in table.columns]
    if missing:
        known = ', '.join(map(str, table.columns)) or 'none'
        raise OscError(f'no column {missing[0]}: the table has {known}')
    return wanted


def _common_test(table: MoleculeTable, places: np.ndarray, groups: Groups) -> dict[str, int]:
    """Return where the common test split is, and how many of the test part have relatives in training."""
    common = np.array([in_common_test_split(key) for key in table.inchikeys], dtype=bool)
    related = np.isin(groups.alike, groups.alike[places == TRAIN])
    return {
        'molecules': int(common.sum()),
        'in_train': int((common & (places == TRAIN)).sum()),
        'in_test': int((common & (places == TEST)).sum()),
        'left_out': int((places == NOWHERE).sum()),
        'related_to_train': int((related & (places == TEST)).sum()),
    }


def _flags(report: dict[str, Any], unparsable: int) -> list[str]:
    """Return what a user should know before training on these parts."""
    flags = [f'{name} is empty' for name, count in report['counts'].items() if not count]
    flags += [f'{name}: {item["flag"]}' for name, item in report['normalisation'].items() if item['flag']]
    common, by = report['common_test'], report['settings']['by']
    if common['in_train']:
        flags.append(f'{common["in_train"]} molecules of the common test split are in training: quote no figure of it')
    if common['related_to_train'] and by in ('scaffold', 'cluster'):
        flags.append(
            f'{common["related_to_train"]} test molecules, of the common test split, share a {by} with training: leave '
            'the common test split out to test on new ones alone'
        )
    if any(report['leaks'][kind] for kind in ('inchikey', 'skeleton', 'tautomer')):
        flags.append('parts share molecules, see leaks')
    return [*flags, f'{unparsable} SMILES are no molecules'] if unparsable else flags
