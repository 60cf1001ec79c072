"""A trained surrogate: SMILES in, mean and calibrated standard deviation of every column out."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from aiida_osc.datasets.geometry_table import Geometry
from aiida_osc.errors import OscError
from aiida_osc.surrogate.families.family import Family, load_family
from aiida_osc.surrogate.finishing import Finishing
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.prediction import Prediction
from aiida_osc.surrogate.spatial import SPATIAL
from aiida_osc.training.artifact import ModelArtifact


class Surrogate:
    """A model of any family with the normalisation of its labels, the calibration of its spread and its domain."""

    def __init__(self, model: Family, config: dict[str, Any], finishing: Finishing) -> None:
        """Keep the parts.

        :param config: configuration as in :class:`ModelArtifact`.
        """
        self.model = model
        self.config = config
        self.finishing = finishing
        self.columns = finishing.columns
        self.reads_structures = SPATIAL in config['architecture']

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> Self:
        """Return the surrogate stored in ``artifact``, on the CPU.

        :raises OscError: when it is no finished surrogate of this version or it is damaged.
        """
        artifact.require('surrogate')
        model = load_family(artifact.config, artifact.weights)
        return cls(model, artifact.config, Finishing.load(artifact.config, artifact.weights))

    def to_artifact(self) -> ModelArtifact:
        """Return weights and configuration."""
        return ModelArtifact(self.config, {**self.model.tensors(), **self.finishing.domain.tensors()})

    def predict(
        self,
        smiles: Sequence[str],
        *,
        similarity: bool = True,
        cheap: np.ndarray | None = None,
        structures: Sequence[Geometry | None] | None = None,
    ) -> Prediction:
        """Return the predictions for ``smiles``, in their order.

        :param similarity: whether the nearest training molecules are searched.
        :param cheap: values of the columns that predictions start from, shape ``(molecules, inputs)``.
        :param structures: of the molecules, None where there is none; those without are predicted by the members that
            read the graph alone.
        :raises MoleculeError: when a SMILES is invalid.
        :raises OscError: when predictions start from columns that are not given, or the model reads no structures.
        """
        if structures is not None and not self.reads_structures:
            raise OscError('this model reads no structures: leave the geometries out')
        return self.answer(Molecules.parsed(smiles, structures), similarity=similarity, cheap=cheap)

    def answer(self, molecules: Molecules, *, similarity: bool = True, cheap: np.ndarray | None = None) -> Prediction:
        """Return the predictions for molecules that are parsed already; the rest is as in :meth:`predict`."""
        rows = np.arange(len(molecules))
        counts = molecules.counts if similarity else None
        seen = molecules.spatial.present if self.reads_structures else None
        return self.finishing.prediction(
            self.model.answer(molecules, rows), molecules.graphs, rows, counts, cheap, seen
        )
