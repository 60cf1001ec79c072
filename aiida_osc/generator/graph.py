"""A sanitised molecule as plain Python values, read once, because RDKit is slow to ask again and again."""

from dataclasses import dataclass

from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.generator.motifs import BOND_ORDERS, AtomKind
from aiida_osc.generator.stereo import has_marks


@dataclass(frozen=True)
class MolGraph:
    """What decomposition and featurisation ask of a molecule.

    :param mol: the molecule.
    :param kinds: atoms as motifs keep them.
    :param hydrogens: hydrogens of each atom.
    :param neighbours: ``other atom -> bond order code`` of each atom.
    :param bonds: ``(begin, end, order code, conjugated)`` of each bond.
    :param rings: atoms of each ring, one after the other around it.
    :param ring_bonds: bonds of the rings, in both directions.
    :param marked: whether the molecule has stereo marks.
    """

    mol: Chem.Mol
    kinds: list[AtomKind]
    hydrogens: list[int]
    neighbours: list[dict[int, int]]
    bonds: list[tuple[int, int, int, bool]]
    rings: list[tuple[int, ...]]
    ring_bonds: set[tuple[int, int]]
    marked: bool

    @classmethod
    def read(cls, mol: Chem.Mol, text: str) -> 'MolGraph':
        """Return the graph of a sanitised molecule and its canonical SMILES.

        :raises MoleculeError: for radicals, and for bonds that no motif can hold.
        """
        atoms = [mol.GetAtomWithIdx(number) for number in range(mol.GetNumAtoms())]
        hydrogens = [atom.GetTotalNumHs() for atom in atoms]
        rings = list(mol.GetRingInfo().AtomRings())
        ring_bonds = {
            pair
            for ring in rings
            for a, b in zip(ring, ring[-1:] + ring[:-1], strict=True)
            for pair in ((a, b), (b, a))
        }
        neighbours: list[dict[int, int]] = [{} for _ in atoms]
        bonds = []
        for number in range(mol.GetNumBonds()):
            bond = mol.GetBondWithIdx(number)
            order = BOND_ORDERS.get(bond.GetBondType())
            if order is None:
                raise MoleculeError(f'bond of type {bond.GetBondType().name.lower()}: motifs do not hold it')
            begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            neighbours[begin][end] = neighbours[end][begin] = order
            bonds.append((begin, end, order, bond.GetIsConjugated()))
        kinds = [
            _kind(atom, count, around, ring_bonds)
            for atom, count, around in zip(atoms, hydrogens, neighbours, strict=True)
        ]
        return cls(mol, kinds, hydrogens, neighbours, bonds, rings, ring_bonds, has_marks(text))


def _kind(atom: Chem.Atom, hydrogens: int, around: dict[int, int], ring_bonds: set[tuple[int, int]]) -> AtomKind:
    """Return the kind of an atom; ``around`` tells the orders of its bonds by neighbour."""
    if atom.GetNumRadicalElectrons():
        raise MoleculeError('radical: only closed-shell molecules are treated')
    number, charge, aromatic = atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetIsAromatic()
    if not aromatic or (number == 6 and charge == 0):
        return AtomKind(number, charge, aromatic)
    place = atom.GetIdx()
    cyclic = {other for other in around if (place, other) in ring_bonds}
    substituents = sum(order == 1 and other not in cyclic for other, order in around.items())
    return AtomKind(number, charge, aromatic, hydrogens + substituents, len(cyclic))
