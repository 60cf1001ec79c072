"""Molecules of one part that another part has, too."""

from collections.abc import Mapping
from typing import Any

from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.chem.tautomers import frame, skeleton, tautomer_groups
from aiida_osc.datasets.grouping import repeated
from aiida_osc.datasets.molecule_table import MoleculeTable

#: Leaks that are named.
LISTED = 20


def find_leaks(parts: Mapping[str, MoleculeTable], *, tautomers: bool = False) -> dict[str, Any]:
    """Return how many molecules occur in more than one part, by what they share, and the first of them.

    :param parts: tables by name.
    :param tautomers: look for tautomers, too; ``tautomer`` is None otherwise.
    """
    rows = [
        (name, key, smiles)
        for name, table in parts.items()
        for key, smiles in zip(table.inchikeys, table.smiles, strict=True)
    ]
    kinds: dict[str, list[list[int]] | None] = {
        'inchikey': repeated(key for _, key, _ in rows),
        'skeleton': repeated(skeleton(key) for _, key, _ in rows),
        'tautomer': None,
    }
    if tautomers:
        kinds['tautomer'] = tautomer_groups([item[2] for item in rows], map(_frame, (item[2] for item in rows)))
    found: dict[str, Any] = {'examples': []}
    for kind, groups in kinds.items():
        across = [group for group in groups or [] if len({rows[row][0] for row in group}) > 1]
        found[kind] = None if groups is None else sum(map(len, across))
        found['examples'] += [{'kind': kind, 'molecules': [list(rows[row][:2]) for row in group]} for group in across]
    found['examples'] = found['examples'][:LISTED]
    return found


def _frame(smiles: str) -> str | None:
    try:
        return frame(parse_smiles(smiles))
    except MoleculeError:
        return None
