"""The allow-list that turns a :class:`ModelArtifact` into a model object."""

from importlib import import_module
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.training.artifact import ModelArtifact

#: kind, and signal where a kind has several -> (module, class); each class has ``from_artifact(artifact)``.
#: Imported when needed, so no kind loads another.
CLASSES = {
    'surrogate': ('aiida_osc.surrogate.surrogate', 'Surrogate'),
    'jtvae': ('aiida_osc.generator.generator', 'Generator'),
    'diffusion of molecules': ('aiida_osc.diffusion.molecules.model', 'ConformerModel'),
    'diffusion of grid': ('aiida_osc.diffusion.grids.model', 'GridModel'),
}


def build(artifact: ModelArtifact) -> Any:
    """Return the model object of ``artifact``, on the CPU and in evaluation mode.

    :raises OscError: when nothing here can build a model of that kind or it is damaged.
    """
    if artifact.family not in CLASSES:
        raise OscError(f'models of kind {artifact.family!r} cannot be built by this version of aiida-osc')
    module, name = CLASSES[artifact.family]
    return getattr(import_module(module), name).from_artifact(artifact)
