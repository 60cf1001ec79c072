"""Clusters of similar molecules by the Tanimoto similarity of their Morgan fingerprints."""

from collections.abc import Iterable

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from aiida_osc.chem.fingerprints import RADIUS

#: Half the bits of other fingerprints: enough to cluster, and twice as fast.
BITS = 1024
#: More molecules than this are clustered around leaders, as the exact method takes a time that grows with the square.
EXACT_UP_TO = 20_000


def pack(mols: Iterable[Chem.Mol | None]) -> np.ndarray:
    """Return the fingerprints, 64 bits to a word, shape ``(molecules, BITS / 64)``; zeros for None."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    rows = [np.zeros(BITS // 8, np.uint8) if mol is None else np.packbits(_bits(generator, mol)) for mol in mols]
    return np.array(rows, dtype=np.uint8).reshape(-1, BITS // 8).view(np.uint64)


def clusters(prints: np.ndarray, similarity: float, exact_up_to: int = EXACT_UP_TO) -> np.ndarray:
    """Return the number of each molecule's cluster, shape ``(molecules,)``.

    Up to ``exact_up_to`` molecules this is Butina's method (doi 10.1021/ci9803381): the molecule with most neighbours
    takes them all, and so on. Beyond, a pass in the order of the rows makes every molecule that no leader is similar to
    a leader itself.

    :param prints: see :func:`pack`.
    :param similarity: Tanimoto similarity from which molecules are neighbours, from 0 to 1.
    """
    counts = np.bitwise_count(prints).sum(axis=1, dtype=np.int32)
    if len(prints) <= exact_up_to:
        return _butina(prints, counts, similarity)
    return _around_leaders(prints, counts, similarity)


def _bits(generator: rdFingerprintGenerator.FingerprintGenerator64, mol: Chem.Mol) -> np.ndarray:
    return generator.GetFingerprintAsNumPy(mol)


def _butina(prints: np.ndarray, counts: np.ndarray, similarity: float) -> np.ndarray:
    below = [_similar(prints[: row + 1], counts[: row + 1], row, similarity) for row in range(len(prints))]
    neighbours: list[list[int]] = [[] for _ in below]
    for row, found in enumerate(below):
        neighbours[row] += found.tolist()
        for other in found[found != row].tolist():
            neighbours[other].append(row)
    labels = np.full(len(prints), -1)
    order = sorted(range(len(prints)), key=lambda row: (-len(neighbours[row]), row))
    for number, row in enumerate(order):
        if labels[row] < 0:
            free = [other for other in neighbours[row] if labels[other] < 0]
            labels[[row, *free]] = number
    return np.unique(labels, return_inverse=True)[1]


def _around_leaders(prints: np.ndarray, counts: np.ndarray, similarity: float) -> np.ndarray:
    labels = np.full(len(prints), -1)
    left = np.arange(len(prints))
    number = 0
    while len(left):
        near = _similar(prints, counts, 0, similarity)
        near = near if len(near) else np.array([0])
        labels[left[near]] = number
        keep = np.ones(len(left), dtype=bool)
        keep[near] = False
        left, prints, counts = left[keep], prints[keep], counts[keep]
        number += 1
    return labels


def _similar(prints: np.ndarray, counts: np.ndarray, row: int, similarity: float) -> np.ndarray:
    """Return the rows that are similar to ``row``; a fingerprint without bits is similar to nothing."""
    shared = np.bitwise_count(prints & prints[row]).sum(axis=1, dtype=np.int32)
    union = counts + counts[row] - shared
    return np.flatnonzero((shared > 0) & (shared >= similarity * union))
