"""From SMILES to integer categories per atom and bond, all molecules flat in a few arrays.

Each category of each feature has one index in a common table, so that a network turns the categories of an atom into
a vector by summing rows of one embedding; this equals one-hot features times a matrix without making the zeros.
Bond ``b`` is the pair of directed edges ``2 b`` (first atom to second) and ``2 b + 1`` (back).
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import GetConnectivityInvariants

from aiida_osc.chem.molecules import parse_smiles

#: Changes whenever the categories change, so that an old model is refused instead of misread.
FEATURES_VERSION = 1


def _numbered(*items: Any) -> dict[Any, int]:
    return {item: number for number, item in enumerate(items)}


#: What is known of each kind; anything else has the number after the last.
_ELEMENTS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53, 32, 33, 52)
_HYBRIDISATIONS = (Chem.HybridizationType.SP, Chem.HybridizationType.SP2, Chem.HybridizationType.SP3)
_BOND_TYPES = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC)
_STEREO = (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOZ)

#: categories per feature: element, degree, hydrogens, charge, hybridisation, aromatic, ring size, rings, conjugated
ATOM_SIZES = (len(_ELEMENTS) + 1, 6, 5, 5, len(_HYBRIDISATIONS) + 1, 2, 8, 4, 2)
#: categories per feature: type, conjugated, ring size, rings, stereo
BOND_SIZES = (len(_BOND_TYPES) + 1, 2, 8, 3, len(_STEREO) + 1)
ATOM_CATEGORIES = sum(ATOM_SIZES)
BOND_CATEGORIES = sum(BOND_SIZES)
_ATOM_OFFSETS = tuple(accumulate(ATOM_SIZES[:-1], initial=0))
_BOND_OFFSETS = tuple(accumulate(BOND_SIZES[:-1], initial=0))
#: Numbers that no atom or bond exceeds.
_MOST = 1000


def _kinds(offset: int, known: Sequence[Any]) -> dict[Any, int]:
    return {**{item: offset + number for number, item in enumerate(known)}, None: offset + len(known)}


def _elements(offset: int) -> tuple[int, ...]:
    found = _kinds(offset, _ELEMENTS)
    return tuple(found.get(number, found[None]) for number in range(_MOST))


def _counts(offset: int, largest: int) -> tuple[int, ...]:
    return tuple(offset + min(number, largest) for number in range(_MOST))


def _charges(offset: int) -> tuple[int, ...]:
    """Return -2 to 2, and at the end what a negative index finds."""
    up, down = [min(number, 2) + 2 for number in range(_MOST)], [2 - min(number, 2) for number in range(_MOST, 0, -1)]
    return tuple(offset + number for number in up + down)


def _ring_sizes(offset: int) -> tuple[int, ...]:
    """Return 0 outside rings, 1 to 5 for three to seven members, 6 for eight, 7 for larger rings."""
    return tuple(offset + (0 if size == 0 else min(size - 2, 7)) for size in range(_MOST))


_E, _D, _H, _C, _Y, _A, _S, _N, _J = _ATOM_OFFSETS
_ATOM_TABLES = (
    _elements(_E), _counts(_D, 5), _counts(_H, 4), _charges(_C), _kinds(_Y, _HYBRIDISATIONS),
    _counts(_A, 1), _ring_sizes(_S), _counts(_N, 3), _counts(_J, 1),
)  # fmt: skip
_T, _K, _Z, _R, _X = _BOND_OFFSETS
_BOND_TABLES = (_kinds(_T, _BOND_TYPES), _counts(_K, 1), _ring_sizes(_Z), _counts(_R, 2), _kinds(_X, _STEREO))


@dataclass(frozen=True)
class Sums:
    """Which rows are summed into which: a sparse matrix of ones as lists, and its transpose.

    :param index: the summed rows, list after list.
    :param offsets: where the list of each result begins in ``index``, shape ``(results,)``.
    :param back_index: the same for the transpose.
    :param back_offsets: shape ``(rows,)``.
    """

    index: torch.Tensor
    offsets: torch.Tensor
    back_index: torch.Tensor
    back_offsets: torch.Tensor

    def to(self, device: torch.device) -> 'Sums':
        """Return the lists on ``device``."""
        return Sums(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Batch:
    """Molecules joined into one graph.

    :param atoms: category indices, shape ``(atoms, atom features)``.
    :param bonds: category indices, shape ``(bonds, bond features)``.
    :param sizes: atoms of each molecule, shape ``(molecules,)``.
    :param start: directed edges from the atom where each starts.
    :param both: directed edges from their bond.
    :param onward: directed edges from those that end where each starts, its own reverse left out.
    :param arrive: atoms from the directed edges that end there.
    :param pool: molecules from their atoms.
    """

    atoms: torch.Tensor
    bonds: torch.Tensor
    sizes: torch.Tensor
    start: Sums
    both: Sums
    onward: Sums
    arrive: Sums
    pool: Sums

    def to(self, device: torch.device) -> 'Batch':
        """Return the batch on ``device``."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Graphs:
    """The graphs of many molecules.

    :param atoms: category indices, shape ``(atoms, atom features)``.
    :param bonds: category indices, shape ``(bonds, bond features)``.
    :param ends: first and second atom of each bond, counted within its molecule, shape ``(bonds, 2)``.
    :param atom_offsets: where the atoms of each molecule begin, shape ``(molecules + 1,)``.
    :param bond_offsets: where its bonds begin, shape ``(molecules + 1,)``.
    """

    atoms: np.ndarray
    bonds: np.ndarray
    ends: np.ndarray
    atom_offsets: np.ndarray
    bond_offsets: np.ndarray

    def __len__(self) -> int:
        """Return the number of molecules."""
        return len(self.atom_offsets) - 1

    def batch(self, rows: Sequence[int] | np.ndarray) -> Batch:
        """Return the molecules ``rows``, in that order, as one graph."""
        rows = np.asarray(rows, dtype=np.int64)
        atom_rows, sizes = _ranges(self.atom_offsets, rows)
        bond_rows, bond_counts = _ranges(self.bond_offsets, rows)
        starts = np.cumsum(sizes) - sizes
        ends = self.ends[bond_rows] + np.repeat(starts, bond_counts)[:, None]
        return Batch(
            atoms=torch.from_numpy(self.atoms[atom_rows].astype(np.int64)),
            bonds=torch.from_numpy(self.bonds[bond_rows].astype(np.int64)),
            sizes=torch.from_numpy(sizes),
            **_edge_sums(ends, len(atom_rows)),
            pool=_sums(
                np.arange(len(atom_rows)), sizes, np.repeat(np.arange(len(rows)), sizes), np.ones_like(atom_rows)
            ),
        )

    def categories(self, rows: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which atom and bond categories occur in the molecules ``rows``, as two Boolean arrays."""
        rows = np.asarray(rows, dtype=np.int64)
        atoms, bonds = np.zeros(ATOM_CATEGORIES, dtype=bool), np.zeros(BOND_CATEGORIES, dtype=bool)
        atoms[self.atoms[_ranges(self.atom_offsets, rows)[0]].reshape(-1)] = True
        bonds[self.bonds[_ranges(self.bond_offsets, rows)[0]].reshape(-1)] = True
        return atoms, bonds

    def category_counts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how often each atom and each bond category occurs, two arrays ``(rows, categories)``."""
        found = []
        for values, offsets, categories in (
            (self.atoms, self.atom_offsets, ATOM_CATEGORIES),
            (self.bonds, self.bond_offsets, BOND_CATEGORIES),
        ):
            items, counts = _ranges(offsets, rows)
            places = values[items] + categories * np.repeat(np.arange(len(rows)), counts)[:, None]
            found.append(np.bincount(places.reshape(-1), minlength=len(rows) * categories).reshape(-1, categories))
        return found[0], found[1]

    def known(self, rows: np.ndarray, seen: Sequence[Sequence[int]]) -> np.ndarray:
        """Return whether all categories of each molecule are among ``seen`` (of atoms, of bonds); shape ``(rows,)``."""
        result = np.ones(len(rows), dtype=bool)
        for values, offsets, known in zip(
            (self.atoms, self.bonds), (self.atom_offsets, self.bond_offsets), seen, strict=True
        ):
            items, counts = _ranges(offsets, rows)
            strange = ~np.isin(values[items], np.asarray(known, dtype=np.int64)).all(axis=1)
            result[np.repeat(np.arange(len(rows)), counts)[strange]] = False
        return result


def featurise(smiles: Sequence[str]) -> Graphs:
    """Return the graphs of ``smiles``.

    :raises MoleculeError: when a SMILES is invalid.
    """
    return featurise_mols([parse_smiles(item) for item in smiles])


def featurise_mols(mols: Sequence[Chem.Mol]) -> Graphs:
    """Return the graphs of RDKit molecules, in the order of their atoms."""
    bonds, ends, rings, invariants = array('h'), array('q'), array('h'), array('q')
    for mol in mols:
        _add_molecule(mol, bonds, ends, rings, invariants)
    return _graphs(
        mols,
        np.array(bonds, dtype=np.int16).reshape(-1, len(BOND_SIZES)),
        np.array(ends, dtype=np.int64).reshape(-1, 2),
        np.array(rings, dtype=np.int64).reshape(-1, 2),
        np.array(invariants, dtype=np.int64),
    )


def _add_molecule(mol: Chem.Mol, bonds: array, ends: array, rings: array, invariants: array) -> None:
    """Append the categories of the bonds of ``mol``, their ends, and what tells its atoms apart.

    A third of the time of a prediction is spent here: as few calls of RDKit as possible, and none of Python.
    """
    kind, in_system, smallest, number, stereo = _BOND_TABLES
    info, double, plain, other = mol.GetRingInfo(), Chem.BondType.DOUBLE, stereo[None], kind[None]
    size, count = info.MinBondRingSize, info.NumBondRings
    for index in range(mol.GetNumBonds()):
        bond = mol.GetBondWithIdx(index)
        type_ = bond.GetBondType()
        ends.extend((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        bonds.extend((
            kind.get(type_, other),
            in_system[bond.GetIsConjugated()],
            smallest[size(index)],
            number[count(index)],
            stereo.get(bond.GetStereo(), plain) if type_ == double else plain,
        ))  # fmt: skip
    size, count = info.MinAtomRingSize, info.NumAtomRings
    for index in range(mol.GetNumAtoms()):
        rings.extend((size(index), count(index)))
    # One number for element, neighbours, hydrogens and charge; different for all of these that chemistry knows.
    invariants.extend(GetConnectivityInvariants(mol))


def _graphs(
    mols: Sequence[Chem.Mol], bonds: np.ndarray, ends: np.ndarray, rings: np.ndarray, invariants: np.ndarray
) -> Graphs:
    """Return the graphs; of atoms that are alike in what was appended, one is asked for its categories."""
    atom_offsets = np.cumsum([0, *(mol.GetNumAtoms() for mol in mols)])
    bond_offsets = np.cumsum([0, *(mol.GetNumBonds() for mol in mols)])
    places = (ends + np.repeat(atom_offsets[:-1], np.diff(bond_offsets))[:, None]).T
    systems = np.zeros(len(invariants), dtype=np.int64)
    systems[places[:, bonds[:, 1] == _BOND_TABLES[1][1]].reshape(-1)] = 1
    # Four bits for the number of bonds of each type.
    around = np.zeros(len(invariants), dtype=np.int64)
    for side in places:
        np.add.at(around, side, 1 << 4 * bonds[:, 0].astype(np.int64))
    codes = np.stack([invariants, around, *np.minimum(rings, 15).T, systems])
    _, chosen, kinds = np.unique(_packed(codes), return_index=True, return_inverse=True)
    molecules = np.searchsorted(atom_offsets, chosen, side='right') - 1
    rows = [
        _atom_row(mols[molecule], int(atom - atom_offsets[molecule]), int(systems[atom]))
        for molecule, atom in zip(molecules.tolist(), chosen.tolist(), strict=True)
    ]
    atoms = np.array(rows, dtype=np.int16).reshape(-1, len(ATOM_SIZES))[kinds]
    return Graphs(atoms, bonds, ends, atom_offsets, bond_offsets)


def _packed(codes: np.ndarray) -> np.ndarray:
    """Return one number for invariant (32 bits), bonds (20), ring size and rings (4 each) and conjugation (1)."""
    invariants, around, size, count, system = codes
    return (((invariants << 20 | around) << 4 | size) << 4 | count) << 1 | system


def _atom_row(mol: Chem.Mol, index: int, system: int) -> tuple[int, ...]:
    """Return the categories of an atom, one look-up for each."""
    element, degree, hydrogens, charge, hybridisation, aromatic, smallest, rings, conjugated = _ATOM_TABLES
    atom, info = mol.GetAtomWithIdx(index), mol.GetRingInfo()
    return (
        element[atom.GetAtomicNum()],
        degree[atom.GetDegree()],
        hydrogens[atom.GetTotalNumHs()],
        charge[atom.GetFormalCharge()],
        hybridisation.get(atom.GetHybridization(), hybridisation[None]),
        aromatic[atom.GetIsAromatic()],
        smallest[info.MinAtomRingSize(index)],
        rings[info.NumAtomRings(index)],
        conjugated[system],
    )


def _ranges(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the concatenated ranges ``offsets[row] : offsets[row + 1]`` and their lengths."""
    counts = offsets[rows + 1] - offsets[rows]
    shifts = np.repeat(offsets[rows] - (np.cumsum(counts) - counts), counts)
    return np.arange(counts.sum()) + shifts, counts


def _edge_sums(ends: np.ndarray, atoms: int) -> dict[str, Sums]:
    """Return the sums that begin or end at directed edges.

    :param ends: first and second atom of each bond, shape ``(bonds, 2)``.
    :param atoms: number of atoms.
    """
    source, target = ends.reshape(-1), ends[:, ::-1].reshape(-1)
    edges = np.arange(len(source))
    one, two = np.ones_like(edges), np.full(len(ends), 2)
    arriving, leaving = (np.argsort(atom, kind='stable') for atom in (target, source))
    degrees = np.bincount(target, minlength=atoms)
    return {
        'start': _sums(source, one, leaving, degrees),
        'both': _sums(edges // 2, one, edges, two),
        'onward': _sums(*_others(source, arriving, degrees), *_others(target, leaving, degrees)),
        'arrive': _sums(arriving, degrees, target, one),
    }


def _others(atom: np.ndarray, edges: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each directed edge the ``edges`` at its ``atom`` without its own reverse, and how many they are.

    :param edges: directed edges sorted by the atom that counts, ``degrees`` of them per atom.
    """
    offsets = np.concatenate([[0], np.cumsum(degrees)])
    positions, counts = _ranges(offsets, atom)
    found = edges[positions]
    reverse = np.repeat(np.arange(len(atom)) ^ 1, counts)
    return found[found != reverse], counts - 1


def _sums(index: np.ndarray, counts: np.ndarray, back_index: np.ndarray, back_counts: np.ndarray) -> Sums:
    arrays = (index, np.cumsum(counts) - counts, back_index, np.cumsum(back_counts) - back_counts)
    return Sums(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
