"""What structures are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem

from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens

#: Structures of one molecule, shape ``(conformers, atoms, 3)`` or ``(atoms, 3)``; None where there is none.
Conformers = np.ndarray | None


@dataclass(frozen=True)
class Reference:
    """A molecule and its structures that count as right.

    :param smiles: its atoms, hydrogens after them, give the order of the positions.
    :param positions: in Angstrom, shape ``(conformers, atoms, 3)``; one structure alone becomes a set of one.
    :raises OscError: when the positions do not fit the molecule.
    """

    smiles: str
    positions: np.ndarray
    mol: Chem.Mol = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the molecule and check the shape."""
        object.__setattr__(self, 'mol', with_hydrogens(self.smiles))
        object.__setattr__(self, 'positions', as_conformers(self.mol, self.positions))
        if not len(self.positions):
            raise OscError('a reference needs at least one structure')


def as_conformers(mol: Chem.Mol, positions: Conformers) -> np.ndarray:
    """Return structures as an array of shape ``(conformers, atoms, 3)``; of shape ``(0, atoms, 3)`` for None.

    :raises OscError: when they do not fit the molecule or are not finite.
    """
    if positions is None:
        return np.zeros((0, mol.GetNumAtoms(), 3))
    array = np.asarray(positions, dtype=float)
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[1:] != (mol.GetNumAtoms(), 3) or not np.isfinite(array).all():
        raise OscError(f'structures of shape {array.shape} do not fit {mol.GetNumAtoms()} atoms, or are not finite')
    return array


def pair_up(references: Sequence[Reference], generated: Sequence[Conformers]) -> list[np.ndarray]:
    """Return the generated structures of each reference as arrays.

    :raises OscError: when there are more or fewer, or they do not fit.
    """
    if len(references) != len(generated):
        raise OscError(f'{len(generated)} sets of structures for {len(references)} references: give one for each')
    return [as_conformers(item.mol, own) for item, own in zip(references, generated, strict=True)]
