"""Promotion: which computed molecules lie inside the windows of a family."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aiida_osc.active_learning.columns import with_sa_score
from aiida_osc.active_learning.settings import Windows
from aiida_osc.datasets.molecule_table import MoleculeTable


def inside(table: MoleculeTable, windows: Windows) -> np.ndarray:
    """Return which molecules lie inside every window; a missing label lies outside; shape ``(count,)``, bool."""
    hits = np.ones(len(table), dtype=bool)
    for column, (low, high) in windows.bounds.items():
        values = table.values(column)
        hits &= (values >= low) & (values <= high)
    return hits


def hit_families(table: MoleculeTable, rules: Mapping[str, Windows]) -> dict[str, list[str]]:
    """Return the InChIKeys of the hits of each family."""
    table = with_sa_score(table)
    return {
        family: [table.inchikeys[row] for row in np.flatnonzero(inside(table, windows))]
        for family, windows in rules.items()
    }


def promote_molecules(table: MoleculeTable, rules: Mapping[str, Windows]) -> tuple[MoleculeTable, dict[str, Any]]:
    """Return the molecules that at least one family promotes, and a report of JSON values.

    :param table: computed molecules; the synthetic accessibility is added where it is missing.
    :param rules: windows per family, from :func:`promotion_rules`.
    """
    table = with_sa_score(table)
    hits = {family: inside(table, windows) for family, windows in rules.items()}
    rows = np.flatnonzero(np.any(list(hits.values()), axis=0))
    report = {family: _family_report(table, windows, hits[family]) for family, windows in rules.items()}
    molecules = [
        {
            'inchikey': table.inchikeys[row],
            'smiles': table.smiles[row],
            'families': [family for family in rules if hits[family][row]],
        }
        for row in rows
    ]
    return table.take(rows), {'families': report, 'molecules': molecules, 'examined': len(table)}


def _family_report(table: MoleculeTable, windows: Windows, hits: np.ndarray) -> dict[str, Any]:
    """Return the rule, how many molecules pass it, and how many each window alone lets through."""
    return {
        'scale': windows.scale,
        'promoted': int(hits.sum()),
        'windows': [
            {
                'column': str(column),
                'unit': column.definition.unit,
                'low': low,
                'high': high,
                'labels': int(np.isfinite(table.values(column)).sum()),
                'passed': int(((table.values(column) >= low) & (table.values(column) <= high)).sum()),
            }
            for column, (low, high) in windows.bounds.items()
        ],
    }
