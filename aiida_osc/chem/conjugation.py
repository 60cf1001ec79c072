"""Which atoms of a molecule are conjugated with each other."""

import numpy as np
from rdkit import Chem
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def conjugated_systems(mol: Chem.Mol) -> list[np.ndarray]:
    """Return the atoms of each system of fused rings whose bonds are all conjugated."""
    rings = mol.GetRingInfo()
    systems: list[tuple[set[int], set[int]]] = []
    for atoms, bonds in zip(rings.AtomRings(), rings.BondRings(), strict=True):
        if not all(mol.GetBondWithIdx(bond).GetIsConjugated() for bond in bonds):
            continue
        merged = (set(atoms), set(bonds))
        apart = []
        for system in systems:
            if system[1] & merged[1]:
                merged = (merged[0] | system[0], merged[1] | system[1])
            else:
                apart.append(system)
        systems = [*apart, merged]
    return sorted((np.array(sorted(atoms)) for atoms, _ in systems), key=lambda atoms: int(atoms[0]))


def largest_conjugated(mol: Chem.Mol) -> np.ndarray:
    """Return the atoms of the largest part that conjugated bonds hold together, the first of several; maybe none."""
    bonds = map(mol.GetBondWithIdx, range(mol.GetNumBonds()))  # faster than RDKit's own sequence
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds if bond.GetIsConjugated()]
    if not ends:
        return np.array([], dtype=int)
    first, last = np.array(ends).T
    links = coo_array((np.ones(len(ends)), (first, last)), shape=(mol.GetNumAtoms(),) * 2)
    _, parts = connected_components(links, directed=False)
    return np.flatnonzero(parts == np.bincount(parts).argmax())
