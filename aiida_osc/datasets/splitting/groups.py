"""Which molecules must not be torn apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from aiida_osc.chem.clusters import clusters, pack
from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.chem.scaffolds import scaffold
from aiida_osc.chem.tautomers import frame, skeleton, tautomer_groups
from aiida_osc.datasets.grouping import by_name, members, unite
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splitting.settings import SplitSettings


@dataclass(frozen=True)
class Groups:
    """Numbers of groups, each of shape ``(molecules,)``.

    :param same: stereoisomers, and tautomers when asked for, share a number.
    :param alike: what the method keeps together shares a number, and so does all that shares one in ``same``.
    :param unparsable: rows whose SMILES is no molecule; each is a group of its own.
    """

    same: np.ndarray
    alike: np.ndarray
    unparsable: tuple[int, ...]


def find_groups(table: MoleculeTable, settings: SplitSettings) -> Groups:
    """Return the groups of a table; each SMILES is parsed once."""
    unparsable: list[int] = []
    names: list[str | None] = []
    frames: list[str | None] = []

    def look() -> Iterable[Chem.Mol | None]:
        for row, smiles in enumerate(table.smiles):
            mol = _parse(smiles)
            if mol is None:
                unparsable.append(row)
            names.append(scaffold(mol) if settings.by == 'scaffold' and mol is not None else None)
            frames.append(frame(mol) if settings.tautomers and mol is not None else None)
            yield mol

    skeletons = by_name(map(skeleton, table.inchikeys))
    method: np.ndarray | None = None
    if settings.by == 'cluster':
        method = clusters(pack(look()), settings.similarity)
    elif settings.by == 'scaffold' or settings.tautomers:
        for _ in look():
            pass
        method = by_name([name or (row,) for row, name in enumerate(names)]) if settings.by == 'scaffold' else None
    tautomers = tautomer_groups(table.smiles, frames) if settings.tautomers else []
    same = unite(skeletons, tautomers)
    return Groups(same, same if method is None else unite(same, members(method)), tuple(unparsable))


def _parse(smiles: str) -> Chem.Mol | None:
    try:
        return parse_smiles(smiles)
    except MoleculeError:
        return None
