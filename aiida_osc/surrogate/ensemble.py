"""A trained surrogate: SMILES in, mean and calibrated standard deviation of every column out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.surrogate.featurise import FEATURES_VERSION, Graphs, featurise
from aiida_osc.surrogate.network import Architecture, EnsembleNetwork
from aiida_osc.training.artifact import ModelArtifact, load_weights
from aiida_osc.training.device import cpu_threads

#: Molecules that go through the network at once.
CHUNK = 64


@dataclass(frozen=True)
class Prediction:
    """Predicted normal distributions, in the canonical units of the columns.

    :param mean: shape ``(molecules, targets)``.
    :param sigma: calibrated standard deviation, the spread between members included, same shape.
    :param in_domain: whether every kind of atom and bond of the molecule occurred in training, shape ``(molecules,)``.
    """

    columns: tuple[Column, ...]
    mean: np.ndarray
    sigma: np.ndarray
    in_domain: np.ndarray


class Surrogate:
    """An ensemble network with the normalisation of its labels and the calibration of its spread."""

    def __init__(self, network: EnsembleNetwork, config: dict[str, Any]) -> None:
        """Wrap ``network``, which is put into evaluation mode.

        :param config: configuration as in :class:`ModelArtifact`; ``extra`` holds ``normalisation`` (``mean``,
            ``std``), ``scale`` of the standard deviations, and ``seen`` categories.
        """
        self.network = network.eval()
        self.config = config
        self.columns = tuple(Column.parse(name) for name in config['targets'])
        extra = config['extra']
        self._center = _vector(extra['normalisation']['mean'], len(self.columns))
        self._spread = _vector(extra['normalisation']['std'], len(self.columns))
        self._scale = _vector(extra['scale'], len(self.columns))

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> Self:
        """Return the surrogate stored in ``artifact``, on the CPU.

        :raises OscError: when it is no finished surrogate of this version or it is damaged.
        """
        artifact.require('surrogate')
        network = build_network(artifact.config)
        load_weights(network, artifact.weights)
        try:
            return cls(network, artifact.config)
        except (KeyError, TypeError) as exception:
            raise OscError(f'the surrogate is damaged: {exception} is missing in its configuration') from None

    def to_artifact(self) -> ModelArtifact:
        """Return weights and configuration."""
        return ModelArtifact(self.config, self.network.state_dict())

    def predict(self, smiles: Sequence[str]) -> Prediction:
        """Return the predictions for ``smiles``, in their order.

        :raises MoleculeError: when a SMILES is invalid.
        """
        return self.predict_graphs(featurise(smiles))

    def predict_graphs(self, graphs: Graphs, rows: Sequence[int] | np.ndarray | None = None) -> Prediction:
        """Return the predictions for the molecules ``rows`` of ``graphs``, all by default."""
        rows = np.arange(len(graphs)) if rows is None else np.asarray(rows)
        with cpu_threads(1):
            mean, sigma = ensemble_moments(self.network, graphs, rows)
        return Prediction(
            columns=self.columns,
            mean=self._center + self._spread * mean,
            sigma=self._scale * self._spread * sigma,
            in_domain=graphs.known(rows, self.config['extra']['seen']),
        )


def build_network(config: dict[str, Any]) -> EnsembleNetwork:
    """Return an untrained network of the shape in ``config``.

    :raises OscError: when the shape is impossible or the features are those of another version.
    """
    if config['extra'].get('features') != FEATURES_VERSION:
        raise OscError('this surrogate was trained with other features than this version computes: train it again')
    architecture = Architecture.from_dict(config['architecture'])
    if architecture.targets != len(config['targets']):
        raise OscError('the surrogate is damaged: its network does not fit its columns')
    return EnsembleNetwork(architecture)


def ensemble_moments(network: EnsembleNetwork, graphs: Graphs, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the equal mixture of all members, in normalised units.

    The variance is the mean of the members' variances (aleatoric) plus the variance of their means (epistemic).

    :return: two arrays of shape ``(len(rows), targets)``.
    """
    device = next(network.parameters()).device
    empty = np.zeros((0, network.architecture.targets))
    means, sigmas = [empty], [empty]
    with torch.inference_mode():
        for start in range(0, len(rows), CHUNK):
            mean, sigma = network(graphs.batch(rows[start : start + CHUNK]).to(device))
            mean, sigma = mean.double(), sigma.double()
            variance = sigma.square().mean(dim=0) + mean.var(dim=0, correction=0)
            means.append(mean.mean(dim=0).cpu().numpy())
            sigmas.append(variance.sqrt().cpu().numpy())
    return np.concatenate(means), np.concatenate(sigmas)


def _vector(values: Any, length: int) -> np.ndarray:
    vector = np.asarray(values, dtype=float)
    if vector.shape != (length,) or not np.isfinite(vector).all():
        raise OscError('the surrogate is damaged: its normalisation does not fit its columns')
    return vector
