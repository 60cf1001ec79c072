"""Audit one or more tables."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from aiida_osc.chem.tautomers import skeleton
from aiida_osc.datasets.audit.records import Audit, LevelAudit, Overlap, SetAudit, TargetAudit
from aiida_osc.datasets.audit.settings import AuditSettings
from aiida_osc.datasets.audit.structures import audit_structures
from aiida_osc.datasets.audit.values import audit_columns
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.errors import OscError
from aiida_osc.targets import TARGETS


def audit_tables(tables: Mapping[str, MoleculeTable], settings: AuditSettings | None = None) -> Audit:
    """Return the audit of named tables, and what each two of them share.

    :raises OscError: when there is no table, or one without molecules.
    """
    settings = settings or AuditSettings()
    empty = [name for name, table in tables.items() if not len(table)]
    if empty or not tables:
        raise OscError(f'nothing to audit: {", ".join(empty) or "no set"} holds no molecules')
    sets = tuple(_audit_set(name, table, settings) for name, table in tables.items())
    overlaps = tuple(_overlap(first, second, tables) for first, second in combinations(tables, 2))
    return Audit(sets, overlaps, settings.to_dict())


def _audit_set(name: str, table: MoleculeTable, settings: AuditSettings) -> SetAudit:
    columns, findings = audit_columns(table, settings)
    return SetAudit(
        name=name,
        molecules=len(table),
        content_hash=table.content_hash(),
        sources=dict(Counter(table.source).most_common()),
        common_test=sum(map(in_common_test_split, table.inchikeys)),
        columns=tuple(columns),
        targets=tuple(_targets(table)),
        levels=tuple(_levels(table)),
        structures=audit_structures(table, settings),
        findings=tuple(findings),
    )


def _targets(table: MoleculeTable) -> list[TargetAudit]:
    """Return the coverage of every target that there is, also of those that the table lacks."""
    found = []
    for name, target in TARGETS.items():
        columns = {key: np.isfinite(values) for key, values in table.columns.items() if key.target == name}
        known = {key: there for key, there in columns.items() if there.any()}
        molecules = int(np.any(list(known.values()), axis=0).sum()) if known else 0
        levels = tuple(str(key).removeprefix(f'{name}@') for key in known)
        found.append(TargetAudit(name, target.computed, molecules, levels))
    return found


def _levels(table: MoleculeTable) -> list[LevelAudit]:
    found = []
    for level, environment in sorted({(key.level, key.environment) for key in table.columns}):
        columns = {
            key: np.isfinite(values)
            for key, values in table.columns.items()
            if (key.level, key.environment) == (level, environment)
        }
        there = np.array(list(columns.values()))
        targets = tuple(key.target for key in columns)
        found.append(
            LevelAudit(level, environment, targets, int(there.any(axis=0).sum()), int(there.all(axis=0).sum()))
        )
    return found


def _overlap(first: str, second: str, tables: Mapping[str, MoleculeTable]) -> Overlap:
    keys = set(tables[first].inchikeys) & set(tables[second].inchikeys)
    skeletons = set(map(skeleton, tables[first].inchikeys)) & set(map(skeleton, tables[second].inchikeys))
    return Overlap(first, second, len(keys), len(skeletons), sum(map(in_common_test_split, keys)))
