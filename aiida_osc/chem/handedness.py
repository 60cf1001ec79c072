"""Whether positions have the stereochemistry of a molecule: tetrahedral centres and double bonds."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

#: Share of the volume of an ideal tetrahedron below which a centre is flat and has no hand.
FLAT = 0.1
#: Cosine of the torsion of a double bond, in size, below which it is neither cis nor trans.
TWISTED = 0.3
#: Determinant of three unit vectors to the corners of a tetrahedron.
_IDEAL = 16 / (3 * np.sqrt(3)) / 4
_SIGNS = {Chem.ChiralType.CHI_TETRAHEDRAL_CCW: 1.0, Chem.ChiralType.CHI_TETRAHEDRAL_CW: -1.0}
_CIS = (Chem.BondStereo.STEREOZ, Chem.BondStereo.STEREOCIS)
_TRANS = (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS)


@dataclass(frozen=True)
class Handedness:
    """The stereochemistry that a molecule asks for; what its SMILES leaves open is not in it.

    :param centres: atom and four neighbours of each stereocentre, the atom itself in place of a lone pair; shape
        ``(centres, 5)``.
    :param hands: +1 for neighbours counter-clockwise, seen from the first, else -1; shape ``(centres,)``.
    :param bonds: the four atoms of the torsion of each double bond; shape ``(bonds, 4)``.
    :param sides: +1 for cis, -1 for trans; shape ``(bonds,)``.
    """

    centres: np.ndarray
    hands: np.ndarray
    bonds: np.ndarray
    sides: np.ndarray

    @classmethod
    def of(cls, mol: Chem.Mol) -> 'Handedness':
        """Return the stereochemistry of a molecule with all its hydrogens.

        Ring double bonds of fewer than eight atoms have none, as in RDKit.
        """
        centres, hands, bonds, sides = [], [], [], []
        for atom in map(mol.GetAtomWithIdx, range(mol.GetNumAtoms())):  # faster than RDKit's own sequence
            if atom.GetChiralTag() in _SIGNS and atom.GetDegree() in (3, 4):
                around = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
                centres.append([atom.GetIdx(), *around, *[atom.GetIdx()] * (4 - len(around))])
                hands.append(_SIGNS[atom.GetChiralTag()])
        for bond in map(mol.GetBondWithIdx, range(mol.GetNumBonds())):
            if bond.GetStereo() in (*_CIS, *_TRANS):
                first, last = bond.GetStereoAtoms()
                bonds.append([first, *_oriented(mol, bond, first), last])
                sides.append(1.0 if bond.GetStereo() in _CIS else -1.0)
        return cls(
            np.array(centres, dtype=int).reshape(-1, 5), np.array(hands),
            np.array(bonds, dtype=int).reshape(-1, 4), np.array(sides),
        )  # fmt: skip

    def volumes(self, positions: np.ndarray) -> np.ndarray:
        """Return the volume at each centre as a share of an ideal one, negative where the hand is the other one.

        All four neighbours span it, as in distance geometry: three of them are not enough for the bridgeheads of small
        cages, which may lie outside of their neighbours, so that the hand would depend on which three are looked at.

        :param positions: shape ``(atoms, 3)``.
        """
        arms = positions[self.centres[:, 1:]] - positions[self.centres[:, :1]]
        arms = arms / np.maximum(np.linalg.norm(arms, axis=-1, keepdims=True), 1e-6)
        lone = self.centres[:, 4] == self.centres[:, 0]
        ends = arms[:, :3] - np.where(lone[:, None, None], 0.0, arms[:, 3:])
        return self.hands * np.linalg.det(ends) / (_IDEAL * np.where(lone, 1.0, 4.0))

    def cosines(self, positions: np.ndarray) -> np.ndarray:
        """Return the cosine of the torsion of each double bond, negative where it is on the wrong side.

        :param positions: shape ``(atoms, 3)``.
        """
        a, b, c, d = (positions[self.bonds[:, column]] for column in range(4))
        first, second = np.cross(b - a, c - b), np.cross(c - b, d - c)
        lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
        return self.sides * np.sum(first * second, axis=-1) / np.maximum(lengths, 1e-6)

    def is_mirrored(self, positions: np.ndarray) -> bool:
        """Return whether the mirror image has the right stereochemistry where these positions have not."""
        return self.fault(positions) is not None and self.fault(reflect(positions)) is None

    def fault(self, positions: np.ndarray) -> str | None:
        """Return which centre or double bond is not as the molecule asks for, None when all are.

        :param positions: shape ``(atoms, 3)``.
        """
        if len(self.centres) and (volumes := self.volumes(positions)).min() < FLAT:
            worst = int(volumes.argmin())
            what = 'flat' if abs(volumes[worst]) < FLAT else 'inverted'
            return f'stereocentre {self.centres[worst, 0] + 1} is {what}'
        if len(self.bonds) and (cosines := self.cosines(positions)).min() < TWISTED:
            worst = int(cosines.argmin())
            what = 'twisted' if abs(cosines[worst]) < TWISTED else 'on the other side'
            return f'double bond {self.bonds[worst, 1] + 1}-{self.bonds[worst, 2] + 1} is {what}'
        return None


def reflect(positions: np.ndarray) -> np.ndarray:
    """Return the mirror image.

    :param positions: shape ``(..., atoms, 3)``.
    """
    return positions * np.array([-1.0, 1.0, 1.0])


def _oriented(mol: Chem.Mol, bond: Chem.Bond, first: int) -> tuple[int, int]:
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    return (begin, end) if mol.GetBondBetweenAtoms(begin, first) is not None else (end, begin)
