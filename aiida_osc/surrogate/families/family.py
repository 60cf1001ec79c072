"""What the families of surrogates have in common, and which of them a stored model may name."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import torch

from aiida_osc.errors import OscError
from aiida_osc.surrogate.molecules import Molecules
from aiida_osc.surrogate.prediction import Moments

#: name -> module with ``load(config, tensors) -> Family``, imported when needed.
FAMILIES = {name: f'aiida_osc.surrogate.families.{name}' for name in ('mpnn', 'gp', 'boosting')}


class Family(Protocol):
    """A fitted model of normalised labels."""

    def answer(self, molecules: Molecules, rows: np.ndarray) -> Moments:
        """Return the moments of normalised labels for the molecules ``rows``."""

    def architecture(self) -> dict[str, Any]:
        """Return what :class:`aiida_osc.training.artifact.ModelArtifact` stores under that name."""

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the numbers that were fitted."""


def load_family(config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Family:
    """Return the model of the family that the architecture names, the network where it names none.

    :raises OscError: when this version has no such family, or the model is damaged.
    """
    name = config['architecture'].get('family', 'mpnn')
    if name not in FAMILIES:
        raise OscError(f'surrogates of the family {name!r} cannot be built by this version of aiida-osc')
    family: Family = import_module(FAMILIES[name]).load(config, tensors)
    return family
