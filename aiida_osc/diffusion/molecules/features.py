"""What the network sees of a molecule: small integers for atoms and pairs, signs for stereocentres; no coordinates."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
import torch
from rdkit import Chem

from aiida_osc.chem.molecules import ELEMENTS
from aiida_osc.errors import OscError

Codes = TypeVar('Codes', np.ndarray, torch.Tensor)
#: Elements by their place in the embedding; the order is part of the format of trained models.
SYMBOLS = ('H', 'B', 'C', 'N', 'O', 'F', 'Si', 'P', 'S', 'Cl', 'Ge', 'As', 'Se', 'Br', 'Te', 'I')
#: Feature of an atom -> number of its values.
ATOM_FEATURES = {'element': len(SYMBOLS), 'charge': 3, 'hybridisation': 4, 'aromatic': 2, 'ring': 7, 'degree': 7}
#: Feature of a pair of atoms -> number of its values; all are packed into one code.
PAIR_FEATURES = {'bond': 5, 'distance': 8, 'ring': 2, 'conjugated': 2, 'side': 3}
#: Bonds between two atoms that are counted; all that are farther apart look alike.
FAR = PAIR_FEATURES['distance'] - 1
CIS, TRANS = 1, 2
_BONDS = {Chem.BondType.SINGLE: 1, Chem.BondType.DOUBLE: 2, Chem.BondType.TRIPLE: 3, Chem.BondType.AROMATIC: 4}
_HYBRIDISATIONS = {Chem.HybridizationType.SP: 1, Chem.HybridizationType.SP2: 2, Chem.HybridizationType.SP3: 3}
_SIDES = {
    Chem.BondStereo.STEREOCIS: CIS,
    Chem.BondStereo.STEREOZ: CIS,
    Chem.BondStereo.STEREOTRANS: TRANS,
    Chem.BondStereo.STEREOE: TRANS,
}
#: Rings of this size or larger may have trans double bonds.
_LARGE_RING = 8


@dataclass(frozen=True)
class MoleculeGraph:
    """One molecule, hydrogens included, in the atom order of ``Chem.AddHs(Chem.MolFromSmiles(smiles))``.

    :param atoms: values of :data:`ATOM_FEATURES`, shape ``(atoms, features)``, int8.
    :param pairs: packed values of :data:`PAIR_FEATURES`, shape ``(atoms, atoms)``, int16, symmetric.
    :param centres: stereocentres as rows (centre, a, b, c, sign): the determinant of the vectors from the centre to a,
        b, c has this sign; shape ``(centres, 5)``, int16.
    """

    atoms: np.ndarray
    pairs: np.ndarray
    centres: np.ndarray

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.atoms)


def featurise(mol: Chem.Mol) -> MoleculeGraph:
    """Return the graph of a molecule with explicit hydrogens.

    :raises OscError: when it has an element that no model knows, or more than one fragment.
    """
    strange = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - ELEMENTS)
    if strange:
        raise OscError(f'element {", ".join(strange)} is not known to the model')
    distances = Chem.GetDistanceMatrix(mol)
    if distances.max(initial=0) > mol.GetNumAtoms():
        raise OscError('the molecule has more than one fragment')
    return MoleculeGraph(_atoms(mol), pack(_pairs(mol, distances)), _centres(mol))


def pack(features: dict[str, np.ndarray]) -> np.ndarray:
    """Return one code per pair; :func:`unpack` is the inverse."""
    code = np.zeros_like(features['bond'], dtype=np.int16)
    for name, size in PAIR_FEATURES.items():
        code = code * size + features[name]
    return code.astype(np.int16)


def unpack(code: Codes) -> dict[str, Codes]:
    """Return the features of codes by name."""
    features: dict[str, Codes] = {}
    for name, size in reversed(PAIR_FEATURES.items()):
        features[name] = code % size
        code = code // size
    return features


def _atoms(mol: Chem.Mol) -> np.ndarray:
    rings = mol.GetRingInfo()
    rows = []
    for atom in mol.GetAtoms():
        place = atom.GetIdx()
        ring = rings.MinAtomRingSize(place)
        rows.append(
            (
                SYMBOLS.index(atom.GetSymbol()),
                min(max(atom.GetFormalCharge(), -1), 1) + 1,
                _HYBRIDISATIONS.get(atom.GetHybridization(), 0),
                atom.GetIsAromatic(),
                0 if ring < 3 else min(ring, 8) - 2,
                min(atom.GetDegree(), 6),
            )
        )
    return np.array(rows, dtype=np.int8)


def _pairs(mol: Chem.Mol, distances: np.ndarray) -> dict[str, np.ndarray]:
    shape = distances.shape
    bond, ring, side = (np.zeros(shape, dtype=np.int16) for _ in range(3))
    conjugated = np.zeros(shape, dtype=bool)
    for item in mol.GetBonds():
        i, j = item.GetBeginAtomIdx(), item.GetEndAtomIdx()
        bond[i, j] = bond[j, i] = _BONDS.get(item.GetBondType(), 1)
        conjugated[i, j] = conjugated[j, i] = item.GetIsConjugated()
    for members in mol.GetRingInfo().AtomRings():
        if len(members) <= _LARGE_RING:
            ring[np.ix_(members, members)] = 1
    for i, j, value in _sides(mol):
        side[i, j] = side[j, i] = value
    return {
        'bond': bond,
        'distance': np.minimum(distances, FAR).astype(np.int16),
        'ring': ring,
        'conjugated': _conjugated_paths(conjugated, distances).astype(np.int16),
        'side': side,
    }


def _conjugated_paths(bonds: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Return the pairs that a shortest path of conjugated bonds alone joins."""
    reached = bonds & (distances == 1)
    joined = reached.copy()
    for length in range(2, FAR + 1):
        reached = ((reached.astype(np.float32) @ bonds.astype(np.float32)) > 0) & (distances == length)
        joined |= reached
    return joined


def _sides(mol: Chem.Mol) -> Iterator[tuple[int, int, int]]:
    """Yield (i, j, CIS or TRANS) for the neighbours at the two ends of bonds whose sides are known."""
    for bond in mol.GetBonds():
        if bond.GetBondType() not in (Chem.BondType.DOUBLE, Chem.BondType.AROMATIC):
            continue
        known = _known_side(mol, bond)
        if known is None:
            continue
        first, last, side = known
        begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
        ones = [atom.GetIdx() for atom in begin.GetNeighbors() if atom.GetIdx() != end.GetIdx()]
        others = [atom.GetIdx() for atom in end.GetNeighbors() if atom.GetIdx() != begin.GetIdx()]
        if len(ones) > 2 or len(others) > 2:
            continue
        for i, j in product(ones, others):
            turned = (i != first) != (j != last)
            if i != j:
                yield i, j, (TRANS if side == CIS else CIS) if turned else side


def _known_side(mol: Chem.Mol, bond: Chem.Bond) -> tuple[int, int, int] | None:
    """Return a neighbour of either end and which side they are on: by the SMILES, or because a small ring says so."""
    if bond.GetStereo() in _SIDES and len(bond.GetStereoAtoms()) == 2:
        first, last = bond.GetStereoAtoms()
        return first, last, _SIDES[bond.GetStereo()]
    begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    for members in mol.GetRingInfo().AtomRings():
        if begin in members and end in members and 3 < len(members) < _LARGE_RING:
            place, size = members.index(begin), len(members)
            step = 1 if members[(place + 1) % size] == end else -1
            return members[(place - step) % size], members[(place + 2 * step) % size], CIS
    return None


def _centres(mol: Chem.Mol) -> np.ndarray:
    """Return the stereocentres; of four neighbours the last three are taken, seen from the first."""
    rows = []
    for atom in mol.GetAtoms():
        tag = atom.GetChiralTag()
        if tag not in (Chem.ChiralType.CHI_TETRAHEDRAL_CCW, Chem.ChiralType.CHI_TETRAHEDRAL_CW):
            continue
        around = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
        if len(around) not in (3, 4):
            continue
        sign = 1 if (tag == Chem.ChiralType.CHI_TETRAHEDRAL_CW) == (len(around) == 4) else -1
        rows.append((atom.GetIdx(), *around[-3:], sign))
    return np.array(rows, dtype=np.int16).reshape(-1, 5)
