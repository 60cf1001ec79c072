"""Structures without a model: one child process embeds molecule after molecule, and is replaced when it hangs."""

import multiprocessing
import os
import signal
from typing import Any, Self

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from aiida_osc.qc.fourpoint_runner.child import die_with_parent
from aiida_osc.qc.fourpoint_runner.settings import RunnerSettings
from aiida_osc.qc.fourpoint_runner.start import Start, embed
from aiida_osc.qc.placing import set_positions, with_hydrogens
from aiida_osc.units import BOHR_TO_ANGSTROM

#: Origin and positions in Angstrom, or the reason why there are none.
Embedded = tuple[str, np.ndarray] | str
GRAPH = 'bond graph'
#: Mean distance per bond between atoms of a chain, in Angstrom.
_PER_BOND = 1.25
#: Steps of a force field from a crude start: enough to take clashes away, and for 300 atoms done within seconds.
_STEPS = 500
#: Bonds between fragments, so that they lie beside each other.
_APART = 4.0


def etkdg(smiles: str, timeout: float, seed: int) -> Embedded:
    """Return the ETKDGv3 conformer (doi 10.1021/acs.jcim.0c00025), relaxed by MMFF94 or UFF."""
    return _from_start(embed(smiles, RunnerSettings(embed_timeout=timeout), seed, random_coordinates=False))


def etkdg_random(smiles: str, timeout: float, seed: int) -> Embedded:
    """Return the same from random coordinates, which helps large and crowded molecules."""
    return _from_start(embed(smiles, RunnerSettings(embed_timeout=timeout), seed, random_coordinates=True))


def distance_geometry(smiles: str, timeout: float, seed: int) -> Embedded:
    """Return a structure that only obeys distances: no knowledge of torsions, nothing enforced."""
    mol = with_hydrogens(smiles)
    parameters: Any = rdDistGeom.EmbedParameters()
    parameters.randomSeed, parameters.useRandomCoords, parameters.timeout = seed + 1, True, max(1, int(timeout))
    parameters.ignoreSmoothingFailures, parameters.enforceChirality = True, False
    if rdDistGeom.EmbedMolecule(mol, parameters) < 0:
        return 'embedding failed'
    return _relaxed('distance geometry', mol)


def from_graph(smiles: str, timeout: float, seed: int) -> Embedded:
    """Return a structure made of the distances along the bonds, relaxed by a force field where it has parameters."""
    mol = with_hydrogens(smiles)
    return _relaxed(GRAPH, set_positions(mol, graph_positions(mol, seed=seed)))


#: The links of the chain that need no model, in the order in which they are tried.
LINKS = {
    'ETKDGv3': etkdg,
    'ETKDGv3-random': etkdg_random,
    'distance geometry': distance_geometry,
    GRAPH: from_graph,
}


def graph_positions(mol: Chem.Mol, *, seed: int) -> np.ndarray:
    """Return positions whose distances follow the number of bonds between atoms; that works for every molecule.

    Classical scaling (doi 10.1007/BF02288916); a small displacement keeps atoms that the graph cannot tell apart from
    falling together.

    :returns: in Angstrom, shape ``(atoms, 3)``.
    """
    steps = Chem.GetDistanceMatrix(mol)
    steps = np.where(steps > len(steps), steps[steps <= len(steps)].max(initial=1.0) + _APART, steps)
    squares = (_PER_BOND * steps) ** 2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-0.5 * centred)
    found = np.zeros((len(steps), 3))
    kept = vectors[:, ::-1][:, :3] * np.sqrt(np.clip(values[::-1][:3], 0.0, None))
    found[:, : kept.shape[1]] = kept
    return found + np.random.default_rng(seed).normal(scale=0.3, size=found.shape)


class Embedder:
    """A child process that embeds molecules, one for many: starting one per molecule would cost more than embedding.

    :param timeout: wall seconds per attempt, after which the child is killed; the next attempt starts a new one.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._process: Any = None
        self._connection: Any = None

    def __enter__(self) -> Self:
        """Return the embedder; its child starts when it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the child."""
        self._stop()

    def run(self, link: str, smiles: str, *, seed: int) -> Embedded:
        """Return what one of :data:`LINKS` makes of a molecule."""
        if self._process is None:
            self._start()
        try:
            self._connection.send((link, smiles, self.timeout, seed))
            if self._connection.poll(self.timeout + 1.0):
                return self._connection.recv()
            reason = f'no end within {self.timeout:g} s'
        except (EOFError, OSError):
            reason = 'the embedding process crashed'
        self._stop()
        return reason

    def _start(self) -> None:
        context = multiprocessing.get_context('fork')
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._connection), daemon=True)
        self._process.start()
        theirs.close()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = self._connection = None


def _serve(connection: Any, other_end: Any) -> None:
    """Embed what is asked for until the parent hangs up."""
    die_with_parent()
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, also when the whole group is interrupted
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # RDKit's warnings: what became of a molecule is in the answer
    while True:
        try:
            link, smiles, timeout, seed = connection.recv()
        except EOFError:
            return
        try:
            answer = LINKS[link](smiles, timeout, seed)
        except Exception as exception:
            answer = f'{type(exception).__name__}: {exception}'
        connection.send(answer)


def _from_start(found: Start | str) -> Embedded:
    return found if isinstance(found, str) else (found.origin, found.positions * BOHR_TO_ANGSTROM)


def _relaxed(origin: str, mol: Chem.Mol) -> Embedded:
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=_STEPS)
        origin = f'{origin}+MMFF94'
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.UFFOptimizeMolecule(mol, maxIters=_STEPS)
        origin = f'{origin}+UFF'
    return origin, mol.GetConformer().GetPositions()
