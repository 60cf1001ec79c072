"""Which atoms of a molecule are conjugated with each other."""

import numpy as np
from rdkit import Chem


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
    parents = list(range(mol.GetNumAtoms()))

    def root(atom: int) -> int:
        while parents[atom] != atom:
            parents[atom] = atom = parents[parents[atom]]
        return atom

    conjugated = set()
    for bond in map(mol.GetBondWithIdx, range(mol.GetNumBonds())):  # faster than RDKit's own sequence
        if bond.GetIsConjugated():
            begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            conjugated |= {begin, end}
            parents[root(begin)] = root(end)
    parts: dict[int, list[int]] = {}
    for atom in sorted(conjugated):
        parts.setdefault(root(atom), []).append(atom)
    return np.array(max(parts.values(), key=len, default=[]), dtype=int)
