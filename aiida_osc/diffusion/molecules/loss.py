"""What a prediction is judged by: aligned coordinates, and the distances that chemistry fixes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from aiida_osc.diffusion.molecules.alignment import rotation_onto
from aiida_osc.diffusion.molecules.batches import GraphBatch
from aiida_osc.diffusion.molecules.features import unpack
from aiida_osc.diffusion.molecules.settings import ConformerSettings

#: Errors of distances below this (Angstrom) count as squares, larger ones as they are.
_SMOOTH = 0.02
#: Atoms three or more bonds apart are never closer than this (Angstrom).
_CONTACT = 1.6


@dataclass(frozen=True)
class Losses:
    """Parts of the loss, each a scalar.

    :param target: squared error of the aligned coordinates in Angstrom^2, weighted by time.
    :param bond: error of the distances of bonded atoms in Angstrom.
    :param angle: the same over one atom.
    :param torsion: the same over a conjugated bond.
    :param smoothness: Dirichlet energy of the coordinates' error per bond in Angstrom^2.
    :param energy: overlap of atoms that are not bonded in Angstrom^2.
    """

    target: Tensor
    bond: Tensor
    angle: Tensor
    torsion: Tensor
    smoothness: Tensor
    energy: Tensor

    def total(self, settings: ConformerSettings) -> Tensor:
        """Return the weighted sum."""
        return (
            self.target
            + settings.bond_weight * self.bond
            + settings.angle_weight * self.angle
            + settings.torsion_weight * self.torsion
            + settings.smoothness_weight * self.smoothness
            + settings.energy_weight * self.energy
        )


def losses(predicted: Tensor, true: Tensor, batch: GraphBatch, weights: Tensor) -> Losses:
    """Return the parts of the loss.

    :param predicted: centred structures in Angstrom, shape ``(batch, nodes, 3)``.
    :param true: likewise; turned onto the prediction, and reflected where no stereocentre forbids it.
    :param weights: of the coordinates of each structure, shape ``(batch,)``.
    """
    turned = true @ rotation_onto(true, predicted, mirror=~batch.handed)
    error = predicted - turned
    counts = batch.mask.sum(dim=1)
    target = (weights * error.square().sum(dim=(1, 2)) / counts).mean()
    features = unpack(batch.pairs)
    away, real = features['distance'], torch.triu(torch.ones_like(batch.pairs, dtype=torch.bool), diagonal=1)
    ours, theirs = _lengths(predicted), _lengths(true)
    off = _smooth(ours - theirs)
    bonded = real & (away == 1)
    conjugated = real & (away == 3) & (features['conjugated'] == 1)
    apart = real & (away >= 3) & batch.mask[:, :, None] & batch.mask[:, None, :]
    rough = (error[:, :, None] - error[:, None]).square().sum(dim=-1)
    return Losses(
        target=target,
        bond=_mean(off, bonded),
        angle=_mean(off, real & (away == 2)),
        torsion=_mean(off, conjugated),
        smoothness=_mean(rough, bonded),
        energy=_mean(torch.relu(_CONTACT - ours).square(), apart),
    )


def _lengths(positions: Tensor) -> Tensor:
    lines = positions[:, :, None] - positions[:, None]
    return torch.sqrt(lines.square().sum(dim=-1) + 1e-8)


def _smooth(difference: Tensor) -> Tensor:
    return torch.sqrt(difference.square() + _SMOOTH**2) - _SMOOTH


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return (values * chosen).sum() / chosen.sum().clamp(min=1)
