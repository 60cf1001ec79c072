"""References and structures of the same molecules out of tables."""

from collections import defaultdict

import numpy as np

from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.diffusion.quality.references import Conformers, Reference
from aiida_osc.errors import OscError


def match_tables(
    molecules: MoleculeTable, references: GeometryTable, generated: GeometryTable
) -> tuple[list[Reference], list[Conformers]]:
    """Return the molecules that have a reference, and the structures that were made of each.

    All structures have the atom order of the molecule's SMILES, hydrogens after it; neutral ones alone count.

    :raises OscError: when no molecule has a reference, or a structure does not fit its molecule.
    """
    right, own = _by_key(references), _by_key(generated)
    kept = [(smiles, key) for smiles, key in zip(molecules.smiles, molecules.inchikeys, strict=True) if key in right]
    if not kept:
        raise OscError('no molecule has a reference structure: give references of the same InChIKeys')
    return [Reference(smiles, np.array(right[key])) for smiles, key in kept], [
        np.array(own[key]) if key in own else None for _, key in kept
    ]


def _by_key(table: GeometryTable) -> dict[str, list[np.ndarray]]:
    found = defaultdict(list)
    for item in table.geometries:
        if item.charge == 0:
            found[item.inchikey].append(item.positions)
    for key, structures in found.items():
        if len({len(positions) for positions in structures}) > 1:
            raise OscError(f'structures of {key} have different numbers of atoms: they are of different molecules')
    return dict(found)
