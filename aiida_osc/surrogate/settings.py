"""Settings of a surrogate's training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from aiida_osc.errors import OscError
from aiida_osc.surrogate.network import Architecture
from aiida_osc.surrogate.spatial import SPATIAL, SpatialArchitecture
from aiida_osc.training.settings import FitSettings

#: The families: the best of all, the network, Gaussian processes, boosted trees.
AUTO, NETWORK = 'auto', 'mpnn'
FAMILIES = (AUTO, NETWORK, 'gp', 'boosting')
#: ``epochs: 0`` aims at this many optimiser steps, within the bounds below.
STEPS = 1500
EPOCHS_BOUNDS = (32, 80)
#: ``batch_size: 0`` aims at this many steps per epoch, within the bounds below.
STEPS_PER_EPOCH = 20
BATCH_BOUNDS = (8, 64)
#: ``piece_epochs: 0`` aims at this many molecules seen per piece.
PIECE_MOLECULES = 8000
#: Epochs of a warm start, as a fraction of those of a new training.
WARM_FRACTION = 0.4


@dataclass(frozen=True)
class SurrogateSettings(FitSettings):
    """What a user can choose.

    :param family: ``mpnn`` for the network, ``gp`` for Gaussian processes, ``boosting`` for boosted trees, ``auto`` for
        the one of them that predicts best on molecules kept from training.
    :param columns: written columns to predict; None for all with at least ``min_labels`` labels that are not constant,
        except those that are computed by a formula.
    :param inputs: written columns of a cheaper level that predictions start from; None for none. Molecules to predict
        need them, too.
    :param min_labels: labels that a column needs to be chosen when ``columns`` is None.
    :param epochs: epochs of the whole training; 0 chooses by the number of molecules.
    :param piece_epochs: epochs of one piece; 0 for pieces of about a minute on one core.
    :param batch_size: molecules per step; 0 chooses by the number of molecules.
    :param members: ensemble members that read the graph.
    :param spatial_members: further members, by SchNet, that read structures; 0 for none.
    :param spatial_hidden: width of the vectors of their atoms.
    :param spatial_interactions: their interaction blocks.
    :param cutoff: distance in Angstrom up to which they see an atom's neighbours.
    :param hidden: width of the messages.
    :param depth: message-passing steps.
    :param readout: width of the readout's hidden layer.
    :param pooling: ``mean`` or ``mean+sum`` over atoms.
    :param dropout: dropout in the readout.
    :param bootstrap: draw each member's training molecules with replacement, which leaves out a third of them for each
        member; at 330 molecules that cost 4 % in CRPS after calibration, so members differ by their start alone.
    :param warm_up: fraction of the epochs that train the means alone, by squared error.
    :param beta: exponent of the beta-NLL after the warm-up.
    :param validation_fraction: part of the molecules outside the common test split that is kept from training.
    """

    epochs: int = 0
    batch_size: int = 0
    patience: int = 0
    weight_decay: float = 1e-4
    amp: str = 'auto'
    family: str = NETWORK
    columns: Sequence[str] | None = None
    inputs: Sequence[str] | None = None
    min_labels: int = 20
    members: int = 5
    spatial_members: int = 0
    spatial_hidden: int = 64
    spatial_interactions: int = 3
    cutoff: float = 5.0
    hidden: int = 64
    depth: int = 4
    readout: int = 64
    pooling: str = 'mean+sum'
    dropout: float = 0.0
    bootstrap: bool = False
    warm_up: float = 0.4
    beta: float = 0.5
    validation_fraction: float = 0.15

    def __post_init__(self) -> None:
        """Check what the parents do not know.

        :raises OscError: when a value is out of range.
        """
        super().__post_init__()
        for name in ('columns', 'inputs'):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.family not in FAMILIES:
            raise OscError(f'surrogate setting family is {self.family!r}: give one of {", ".join(FAMILIES)}')
        if not 0 <= self.warm_up <= 1 or not 0 <= self.beta <= 1:
            raise OscError(f'warm_up is {self.warm_up} and beta {self.beta}: give values from 0 to 1')
        if self.spatial_members < 0:
            raise OscError(f'surrogate setting spatial_members is {self.spatial_members}: give 0 or more')
        if self.spatial_members and self.family not in (AUTO, NETWORK):
            raise OscError(f'the family {self.family} has no spatial members: choose {NETWORK} or {AUTO}')
        self.shape(1)

    def check_structures(self, given: bool) -> None:
        """Check that there are structures for spatial members, and spatial members for structures.

        :raises OscError: when one is there without the other.
        """
        if self.spatial_members and not given:
            raise OscError('spatial members read structures: give geometries, or set spatial_members to 0')
        if given and not self.spatial_members:
            raise OscError('only spatial members read structures: set spatial_members to 1 or more, or leave them out')

    def shape(self, targets: int) -> dict[str, Any]:
        """Return the shape of a network for ``targets`` columns, as :func:`make_network` of ``voices`` reads it."""
        graph = self._graph(targets).to_dict()
        if not self.spatial_members:
            return graph
        spatial = SpatialArchitecture(
            members=self.spatial_members,
            hidden=self.spatial_hidden,
            interactions=self.spatial_interactions,
            cutoff=self.cutoff,
            targets=targets,
        )
        return {**graph, SPATIAL: spatial.to_dict()}

    def _graph(self, targets: int) -> Architecture:
        return Architecture(
            members=self.members,
            hidden=self.hidden,
            depth=self.depth,
            readout=self.readout,
            targets=targets,
            pooling=self.pooling,
            dropout=self.dropout,
        )

    def resolved(self, molecules: int, *, warm: bool = False) -> Self:
        """Return the settings with epochs and batch size chosen for that many training molecules.

        :param warm: whether the weights of an earlier model are the start, which takes fewer epochs.
        """
        batch_size = self.batch_size or _clip(molecules // STEPS_PER_EPOCH, BATCH_BOUNDS)
        epochs = self.epochs or _clip(STEPS * batch_size // max(molecules, 1), EPOCHS_BOUNDS)
        if warm:
            epochs = max(1, round(WARM_FRACTION * epochs))
        piece_epochs = self.piece_epochs or max(1, PIECE_MOLECULES // max(molecules, 1))
        return replace(self, epochs=epochs, batch_size=batch_size, piece_epochs=piece_epochs)


def _clip(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], value))
