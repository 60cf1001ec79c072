"""Elements, sizes and duplicates of the molecules of a table."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rdkit.Chem import rdMolDescriptors

from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.chem.tautomers import frame, skeleton, tautomer_groups
from aiida_osc.datasets.audit.records import Duplicates, StructureAudit
from aiida_osc.datasets.audit.settings import AuditSettings
from aiida_osc.datasets.grouping import repeated
from aiida_osc.datasets.molecule_table import MoleculeTable

STEREO, TAUTOMER = 'stereo', 'tautomer'


def audit_structures(table: MoleculeTable, settings: AuditSettings) -> StructureAudit:
    """Return the audit of the molecules; each SMILES is parsed once."""
    elements: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    unparsable: list[str] = []
    frames: list[str | None] = []
    for key, smiles in zip(table.inchikeys, table.smiles, strict=True):
        try:
            mol = parse_smiles(smiles)
        except MoleculeError:
            unparsable.append(key)
            frames.append(None)
            continue
        elements.update(set(re.findall('[A-Z][a-z]?', rdMolDescriptors.CalcMolFormula(mol))))
        sizes[mol.GetNumHeavyAtoms()] += 1
        frames.append(frame(mol) if settings.tautomers else None)
    duplicates = [_duplicates(STEREO, table, repeated(map(skeleton, table.inchikeys)), settings.listed)]
    if settings.tautomers:
        groups = (group for group in tautomer_groups(table.smiles, frames) if _differ(table, group))
        duplicates.append(_duplicates(TAUTOMER, table, groups, settings.listed))
    return StructureAudit(
        elements=dict(elements.most_common()),
        sizes=dict(sorted(sizes.items())),
        unparsable_count=len(unparsable),
        unparsable=tuple(unparsable[: settings.listed]),
        duplicates=tuple(duplicates),
    )


def _differ(table: MoleculeTable, group: Sequence[int]) -> bool:
    """Return whether there is more than stereochemistry between the molecules."""
    return len({skeleton(table.inchikeys[row]) for row in group}) > 1


def _duplicates(kind: str, table: MoleculeTable, groups: Iterable[Sequence[int]], listed: int) -> Duplicates:
    found = [tuple(table.inchikeys[row] for row in group) for group in groups]
    return Duplicates(kind, len(found), sum(map(len, found)), tuple(found[:listed]))
