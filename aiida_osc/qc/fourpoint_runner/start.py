"""Start structures: given, or embedded in a child process."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from .bonds import BOND_FACTOR, find_bonds, skeleton
from .child import in_child
from .engine import Surroundings
from .engines import make_engine
from .internals import Internals
from .job import Task
from .optimiser import descend
from .plan import GFN2
from .settings import BOHR, MoleculeFailure, RunnerSettings

#: Gradient calls per conformer that is ranked by xTB.
FEW_STEPS = 8
#: What the origin says of a start made in place of one that was given.
REFUSED = 'as the given structure is not the molecule'


@dataclass(frozen=True)
class Start:
    """A start structure.

    :param numbers: atomic numbers, shape ``(atoms,)``.
    :param positions: in bohr, shape ``(atoms, 3)``.
    :param bonds: pairs of atoms, shape ``(bonds, 2)``.
    :param origin: how it was made.
    """

    numbers: np.ndarray
    positions: np.ndarray
    bonds: np.ndarray
    origin: str


def make_start(task: Task, seed: int, around: Surroundings) -> Start:
    """Return the given structure where it is the molecule, else one embedded in a child process with a time-out.

    :raises MoleculeFailure: in stage ``embed``.
    """
    if task.start is None:
        return _embedded_start(task, seed, around)
    given = _given_start(task)
    if given is not None:
        return given
    made = _embedded_start(task, seed, around)
    return replace(made, origin=f'{made.origin}, {REFUSED}')


def _embedded_start(task: Task, seed: int, around: Surroundings) -> Start:
    """Return a structure embedded in a child process that dies with its time-out.

    :raises MoleculeFailure: in stage ``embed``.
    """
    reasons, make = [], embed_all if around.settings.conformer_ranking == 'xtb' else embed
    for random_coordinates in (False, True):
        answer = in_child(
            partial(make, task.smiles, around.settings, seed, random_coordinates=random_coordinates),
            around.settings.embed_timeout,
        )
        if not isinstance(answer, str):
            return answer if isinstance(answer, Start) else lowest_by_xtb(answer, around)
        reasons.append(answer)
    raise MoleculeFailure('embed', f'no start geometry: {reasons[0]}; from random coordinates: {reasons[1]}')


def embed(smiles: str, settings: RunnerSettings, seed: int, *, random_coordinates: bool) -> Start | str:
    """Return the ETKDGv3 conformer of lowest MMFF94 (or UFF, or no) energy, or the reason why there is none."""
    starts = embed_all(smiles, settings, seed, random_coordinates=random_coordinates)
    return starts if isinstance(starts, str) else starts[0]


def embed_all(smiles: str, settings: RunnerSettings, seed: int, *, random_coordinates: bool) -> list[Start] | str:
    """Return the ETKDGv3 conformers by rising MMFF94 (or UFF, or no) energy, or the reason why there are none."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return 'the SMILES is not valid'
    if Chem.GetFormalCharge(mol) or len(Chem.GetMolFrags(mol)) != 1:
        return 'the SMILES is not one neutral molecule'
    mol = Chem.AddHs(mol)
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed, parameters.useRandomCoords = seed + 1, random_coordinates
    parameters.timeout = max(1, int(settings.embed_timeout))
    if not list(rdDistGeom.EmbedMultipleConfs(mol, settings.conformers, parameters)):
        return 'embedding failed'
    origin = 'ETKDGv3-random' if random_coordinates else 'ETKDGv3'
    outcome: list[tuple[int, float]] = []
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        outcome, origin = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=2000), f'{origin}+MMFF94'
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        outcome, origin = rdForceFieldHelpers.UFFOptimizeMoleculeConfs(mol, maxIters=2000), f'{origin}+UFF'
    order = np.argsort([energy for _, energy in outcome], kind='stable') if outcome else range(mol.GetNumConformers())
    bonds = np.array([(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()], dtype=int)
    places = [mol.GetConformers()[int(n)].GetPositions() / BOHR for n in order]
    return [Start(atomic_numbers(mol), place, bonds.reshape(-1, 2), origin) for place in places]


def lowest_by_xtb(starts: list[Start], around: Surroundings) -> Start:
    """Return the conformer of lowest GFN2-xTB energy after at most :data:`FEW_STEPS` gradient calls each.

    A force field's bond lengths cost more energy than conformers differ by: the first steps take that away.
    """
    settings, energies = replace(around.settings, max_steps=FEW_STEPS), []
    for start in starts:
        engine = make_engine(GFN2, start.numbers, start.positions, 0, around)
        coordinates = Internals(start.numbers, start.bonds, start.positions)
        try:
            energies.append(descend(engine, start.positions, coordinates, settings, None).energy)
        except MoleculeFailure:
            energies.append(math.inf)
    best = starts[int(np.argmin(energies))]
    return replace(best, origin=f'{best.origin}, lowest of {len(starts)} by {GFN2.name}')


def _given_start(task: Task) -> Start | None:
    """Return the structure of the input, None where its atoms and bonds are not those of the SMILES.

    :raises MoleculeFailure: when the SMILES is not valid.
    """
    mol = Chem.MolFromSmiles(task.smiles)
    if mol is None:
        raise MoleculeFailure('embed', 'the SMILES is not valid')
    mol = Chem.AddHs(mol)
    given = task.start or {}
    numbers, positions = np.array(given['numbers']), np.array(given['positions'], dtype=float) / BOHR
    bonds = find_bonds(numbers, positions, BOND_FACTOR)
    expected = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    if skeleton(numbers, bonds) != skeleton(atomic_numbers(mol), expected):
        return None
    return Start(numbers, positions, bonds, 'given')


def atomic_numbers(mol: Chem.Mol) -> np.ndarray:
    """Return the atomic numbers of all atoms."""
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
