"""Coordinates of a molecule put in the atom order of its canonical SMILES, with the handedness that they have."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from rdkit.Geometry import Point3D

from aiida_osc.chem.handedness import Handedness
from aiida_osc.chem.molecules import parse_smiles, standardise_mol
from aiida_osc.errors import OscError
from aiida_osc.qc.fourpoint_runner.bonds import BOND_FACTOR, bond_graph, find_bonds
from aiida_osc.units import BOHR_TO_ANGSTROM


@dataclass(frozen=True)
class Placed:
    """A molecule with its structure.

    :param smiles: canonical, with the handedness that the structure has.
    :param numbers: atomic numbers in the order of ``Chem.AddHs(Chem.MolFromSmiles(smiles))``.
    :param positions: in Angstrom, in the same order; shape ``(atoms, 3)``.
    """

    smiles: str
    inchikey: str
    numbers: np.ndarray
    positions: np.ndarray


def with_hydrogens(smiles: str) -> Chem.Mol:
    """Return the molecule with explicit hydrogens, in the atom order of all our structures.

    :raises MoleculeError: when the SMILES is not valid.
    """
    return Chem.AddHs(parse_smiles(smiles))


def place_atoms(smiles: str, numbers: np.ndarray, positions: np.ndarray) -> Placed:
    """Return the structure in the atom order of the canonical SMILES.

    Bonds are found by distance, and the graph must be that of the SMILES. Stereochemistry is read from the coordinates,
    whatever the SMILES says of it.

    :param smiles: names the bond orders; the order of its atoms does not matter.
    :param numbers: atomic numbers in any order.
    :param positions: in Angstrom, shape ``(atoms, 3)``.
    :raises OscError: when the structure is not that of the molecule, or the molecule is not treated.
    """
    mol = with_hydrogens(smiles)
    mol = _assign_stereo(mol, positions[_match(mol, numbers, positions)])
    named = standardise_mol(Chem.RemoveHs(mol))
    canonical = with_hydrogens(named.smiles)
    order = mol.GetSubstructMatch(canonical, useChirality=True)
    if len(order) != mol.GetNumAtoms():
        raise OscError(f'{smiles} is not the structure of its neutral parent {named.smiles}')
    placed = mol.GetConformer().GetPositions()[list(order)]
    return Placed(named.smiles, named.inchikey, np.array([a.GetAtomicNum() for a in canonical.GetAtoms()]), placed)


def set_positions(mol: Chem.Mol, positions: np.ndarray) -> Chem.Mol:
    """Return a copy of the molecule with one conformer, positions in Angstrom."""
    mol = Chem.Mol(mol)
    conformer = Chem.Conformer(mol.GetNumAtoms())
    for place, point in enumerate(np.asarray(positions, dtype=float).tolist()):
        conformer.SetAtomPosition(place, Point3D(*point))
    mol.RemoveAllConformers()
    mol.AddConformer(conformer, assignId=True)
    return mol


def _assign_stereo(mol: Chem.Mol, positions: np.ndarray) -> Chem.Mol:
    """Return the molecule with the structure and the stereochemistry that it has.

    RDKit looks at three neighbours of a centre, which at bridgeheads of small cages may name the other hand than all
    four; these decide here, as wherever a structure is checked.
    """
    mol = set_positions(mol, positions)
    Chem.AssignStereochemistryFrom3D(mol, replaceExistingTags=True)
    hands = Handedness.of(mol)
    for place in hands.centres[hands.volumes(positions) < 0, 0].tolist():
        mol.GetAtomWithIdx(place).InvertChirality()
    return mol


def _match(mol: Chem.Mol, numbers: np.ndarray, positions: np.ndarray) -> list[int]:
    """Return which atom of the structure each atom of the molecule is."""
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    query = bond_graph([atom.GetAtomicNum() for atom in mol.GetAtoms()], bonds)
    near = find_bonds(np.asarray(numbers), np.asarray(positions) / BOHR_TO_ANGSTROM, BOND_FACTOR)
    same = query.GetNumAtoms() == len(numbers) and query.GetNumBonds() == len(near)
    match = bond_graph(numbers, near).GetSubstructMatch(query) if same else ()
    if len(match) != query.GetNumAtoms():
        raise OscError('the bonds in the structure are not those of the SMILES')
    return list(match)
