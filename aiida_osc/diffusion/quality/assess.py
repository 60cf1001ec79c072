"""All figures of a set of structures in one table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import rdBase

from aiida_osc.chem.conjugation import conjugated_systems
from aiida_osc.diffusion.geometries import make_geometries
from aiida_osc.diffusion.plausible import Blueprint
from aiida_osc.diffusion.quality.busters import bust
from aiida_osc.diffusion.quality.coverage import coverage, mean_or_none, median_or_none
from aiida_osc.diffusion.quality.local import LocalErrors, Terms
from aiida_osc.diffusion.quality.planarity import roughness
from aiida_osc.diffusion.quality.references import Conformers, Reference, pair_up
from aiida_osc.diffusion.quality.relaxation import relax, summarise
from aiida_osc.diffusion.quality.rmsd import HeavyFitter
from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

#: The start that quantum chemistry has without a model.
PEER = 'ETKDGv3+MMFF94'


@dataclass(frozen=True)
class AssessSettings(Settings):
    """What is measured.

    :param mirror: whether mirror images count as equal in deviations; handedness is always counted in ``plausible``.
    :param thresholds: of coverage, in Angstrom.
    :param max_matches: exchanges of equivalent atoms that are tried in a superposition.
    :param least: values that a type of bond, angle or torsion needs for a distance of distributions.
    :param posebusters: whether PoseBusters is asked, where it is installed.
    :param relaxed: molecules, the first ones, that are optimised with GFN2-xTB, also from ETKDGv3 and MMFF94.
    """

    mirror: bool = False
    thresholds: tuple[float, ...] = (0.25, 0.5, 1.25)
    max_matches: int = 1000
    least: int = 20
    posebusters: bool = True
    relaxed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        object.__setattr__(self, 'thresholds', tuple(float(value) for value in self.thresholds))
        if min(self.thresholds, default=1.0) <= 0 or self.max_matches < 1 or self.least < 1 or self.relaxed < 0:
            raise OscError('thresholds, max_matches and least must be positive, relaxed not negative')


def assess(
    references: Sequence[Reference],
    generated: Sequence[Conformers],
    settings: AssessSettings | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the quality of generated structures as plain numbers, None where there is nothing to measure.

    Lengths are in Angstrom, angles in degrees, energies in eV. A structure is compared with its nearest reference.

    :param generated: for each reference the structures of its molecule, None for none.
    :param seed: of the embedding that xTB optimisations are compared with.
    :raises OscError: when structures do not fit their molecules.
    """
    settings = settings or AssessSettings()
    structures = pair_up(references, generated)
    matrices, local, flatness = _compare(references, structures, settings)
    deviations = [float(matrix.min(axis=1).mean()) for matrix in matrices if matrix.size]
    distances = local.wasserstein(settings.least)
    firsts = [(item, own[0]) for item, own in zip(references, structures, strict=True) if len(own)]
    busted = bust([item.mol for item, _ in firsts], [own for _, own in firsts]) if settings.posebusters else {}
    return {
        'molecules': len(references),
        'without_structure': len(references) - len(firsts),
        'structures': sum(map(len, structures)),
        **_plausibility(references, structures),
        'mirror': settings.mirror,
        'rmsd_mean': mean_or_none(deviations),
        'rmsd_median': median_or_none(deviations),
        **coverage(matrices, settings.thresholds),
        **{f'{name}_mae': value for name, value in local.mean_absolute().items()},
        'wasserstein': distances,
        **{f'{name}_wasserstein': mean_or_none(list(values.values())) for name, values in distances.items()},
        **flatness,
        'posebusters': busted,
        'xtb': _relaxations(firsts[: settings.relaxed], seed) if settings.relaxed else {},
    }


def _compare(
    references: Sequence[Reference], structures: Sequence[np.ndarray], settings: AssessSettings
) -> tuple[list[np.ndarray], LocalErrors, dict[str, float | None]]:
    """Return deviations per molecule, local errors, and figures of the flatness of conjugated rings."""
    matrices, local, found, right = [], LocalErrors(), [np.zeros(0)], [np.zeros(0)]
    for item, own in zip(references, structures, strict=True):
        fitter = HeavyFitter(item.mol, mirror=settings.mirror, max_matches=settings.max_matches)
        matrices.append(fitter.matrix(own, item.positions))
        terms, systems = Terms.of(item.mol), conjugated_systems(item.mol)
        for structure, row in zip(own, matrices[-1], strict=True):
            nearest = item.positions[int(row.argmin())]
            local.add(terms, structure, nearest, fitter.fit(structure, nearest))
            found.append(roughness(systems, structure))
            right.append(roughness(systems, nearest))
    rough, smooth = np.concatenate(found), np.concatenate(right)
    flatness = {
        'ring_roughness': mean_or_none(rough),
        'ring_roughness_reference': mean_or_none(smooth),
        'ring_roughness_mae': mean_or_none(np.abs(rough - smooth)),
    }
    return matrices, local, flatness


def _plausibility(references: Sequence[Reference], structures: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return the share of plausible structures and what the others lack, by kind of fault."""
    with rdBase.BlockLogs():
        plans = [Blueprint(item.mol) for item in references]
    faults = [plan.fault(one) for plan, own in zip(plans, structures, strict=True) for one in own]
    kinds = Counter(fault.kind for fault in faults if fault is not None)
    return {'plausible': mean_or_none([fault is None for fault in faults]), 'faults': dict(sorted(kinds.items()))}


def _relaxations(pairs: Sequence[tuple[Reference, np.ndarray]], seed: int) -> dict[str, Any]:
    """Return what xTB optimisations cost from the structures, and from ETKDGv3 and MMFF94."""
    smiles, names = [item.smiles for item, _ in pairs], [str(number) for number in range(len(pairs))]
    embedded = make_geometries(smiles, names, seed=seed).table.geometries
    return {
        'structures': summarise([relax(item.mol, own) for item, own in pairs]),
        PEER: summarise([relax(item.mol, peer.positions) for (item, _), peer in zip(pairs, embedded, strict=True)]),
    }
