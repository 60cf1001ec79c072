"""Stereo marks of a molecule, told by atom numbers alone, so that they survive a new order of atoms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rdkit import Chem

_CLOCKWISE = Chem.ChiralType.CHI_TETRAHEDRAL_CW
_COUNTER = Chem.ChiralType.CHI_TETRAHEDRAL_CCW


@dataclass(frozen=True)
class Stereo:
    """Stereo marks in the numbering of the assembled molecule.

    :param atoms: ``(centre, neighbours, clockwise)``, neighbours in the order that ``clockwise`` refers to.
    :param bonds: ``(begin, end, neighbour of begin, neighbour of end, trans)``.
    """

    atoms: tuple[tuple[int, tuple[int, ...], bool], ...] = ()
    bonds: tuple[tuple[int, int, int, int, bool], ...] = ()


NO_STEREO = Stereo()


def has_marks(smiles: str) -> bool:
    """Return whether a SMILES has stereo marks."""
    return any(mark in smiles for mark in '@/\\')


def count_marked(smiles: Iterable[str]) -> int:
    """Return how many SMILES have stereo marks."""
    return sum(map(has_marks, smiles))


def read_stereo(mol: Chem.Mol, numbering: Mapping[int, int]) -> Stereo:
    """Return the stereo marks of a molecule.

    :param numbering: atom of ``mol`` -> atom of the assembled molecule.
    """
    atoms = []
    for atom in mol.GetAtoms():
        if atom.GetChiralTag() in (_CLOCKWISE, _COUNTER):
            around = tuple(numbering[bond.GetOtherAtomIdx(atom.GetIdx())] for bond in atom.GetBonds())
            atoms.append((numbering[atom.GetIdx()], around, atom.GetChiralTag() == _CLOCKWISE))
    bonds = []
    for bond in mol.GetBonds():
        trans = _is_trans(bond)
        if trans is not None:
            ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), *bond.GetStereoAtoms())
            begin, end, before, after = (numbering[i] for i in ends)
            bonds.append((begin, end, before, after, trans))
    return Stereo(tuple(sorted(atoms)), tuple(sorted(bonds)))


def _is_trans(bond: Chem.Bond) -> bool | None:
    stereo = bond.GetStereo()
    if stereo in (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS):
        return True
    return False if stereo in (Chem.BondStereo.STEREOZ, Chem.BondStereo.STEREOCIS) else None


def write_stereo(mol: Chem.Mol, stereo: Stereo) -> None:
    """Set the stereo marks on a sanitised molecule in the numbering of ``stereo``."""
    for centre, neighbours, clockwise in stereo.atoms:
        atom = mol.GetAtomWithIdx(centre)
        here = [bond.GetOtherAtomIdx(centre) for bond in atom.GetBonds()]
        even = _is_even([neighbours.index(other) for other in here])
        atom.SetChiralTag(_CLOCKWISE if clockwise == even else _COUNTER)
    for begin, end, before, after, trans in stereo.bonds:
        bond = mol.GetBondBetweenAtoms(begin, end)
        if bond.GetBeginAtomIdx() != begin:
            before, after = after, before
        bond.SetStereoAtoms(before, after)
        bond.SetStereo(Chem.BondStereo.STEREOTRANS if trans else Chem.BondStereo.STEREOCIS)
    if stereo.atoms or stereo.bonds:
        Chem.SetDoubleBondNeighborDirections(mol)
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)


def _is_even(permutation: list[int]) -> bool:
    swaps = sum(a > b for i, a in enumerate(permutation) for b in permutation[i + 1 :])
    return swaps % 2 == 0
