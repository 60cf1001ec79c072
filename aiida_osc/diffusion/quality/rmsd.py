"""Root mean square deviation of heavy atoms after the best superposition, equivalent atoms exchanged."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from aiida_osc.qc.placing import set_positions


@dataclass(frozen=True)
class Fit:
    """The best superposition of a structure on a reference.

    :param rmsd: in Angstrom.
    :param order: for each heavy atom of the reference, the atom of the structure that lies on it; shape ``(atoms,)``,
        indices among all atoms, -1 for hydrogens.
    :param reflected: whether the mirror image fits best.
    """

    rmsd: float
    order: np.ndarray
    reflected: bool


class HeavyFitter:
    """Superposes structures of one molecule.

    :param mol: with all hydrogens; without a heavy atom, hydrogens count.
    :param mirror: whether mirror images count as equal; only where handedness is looked at elsewhere.
    :param max_matches: exchanges of equivalent atoms that are tried; highly symmetric molecules have millions.
    """

    def __init__(self, mol: Chem.Mol, *, mirror: bool = False, max_matches: int = 1000) -> None:
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        self._kept = np.flatnonzero(numbers > 1) if (numbers > 1).any() else np.arange(len(numbers))
        self._bare = _only(mol, set(self._kept.tolist()))
        self._atoms, self._mirror, self._max_matches = len(numbers), mirror, max_matches

    def fit(self, structure: np.ndarray, reference: np.ndarray) -> Fit:
        """Return the best superposition; both of shape ``(atoms, 3)``, in Angstrom."""
        probe = set_positions(self._bare, structure[self._kept])
        target = set_positions(self._bare, reference[self._kept])
        found = [
            (
                *rdMolAlign.GetBestAlignmentTransform(probe, target, maxMatches=self._max_matches, reflect=reflected),
                reflected,
            )
            for reflected in ([False, True] if self._mirror else [False])
        ]
        rmsd, _, pairs, reflected = min(found, key=lambda item: item[0])
        order = np.full(self._atoms, -1)
        for moved, fixed in pairs:
            order[self._kept[fixed]] = self._kept[moved]
        return Fit(float(rmsd), order, reflected)

    def matrix(self, structures: np.ndarray, references: np.ndarray) -> np.ndarray:
        """Return the deviations in Angstrom; shape ``(structures, references)``."""
        values = [[self.fit(one, other).rmsd for other in references] for one in structures]
        return np.array(values).reshape(len(structures), len(references))


def _only(mol: Chem.Mol, kept: set[int]) -> Chem.Mol:
    """Return the molecule of some atoms, in their order."""
    bare = Chem.RWMol(mol)
    bare.RemoveAllConformers()
    for index in range(mol.GetNumAtoms() - 1, -1, -1):
        if index not in kept:
            bare.RemoveAtom(index)
    return bare.GetMol()
