"""The allow-list that turns a :class:`ModelArtifact` into a model object."""

from importlib import import_module
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.training.artifact import ModelArtifact

#: kind -> (module, class); each class has ``from_artifact(artifact)``. Imported when needed, so no kind loads another.
CLASSES = {
    'surrogate': ('aiida_osc.surrogate.ensemble', 'Surrogate'),
    'jtvae': ('aiida_osc.generator.generator', 'Generator'),
}


def build(artifact: ModelArtifact) -> Any:
    """Return the model object of ``artifact``, on the CPU and in evaluation mode.

    :raises OscError: when nothing here can build a model of that kind.
    """
    if artifact.kind not in CLASSES:
        raise OscError(f'models of kind {artifact.kind!r} cannot be built by this version of aiida-osc')
    module, name = CLASSES[artifact.kind]
    return getattr(import_module(module), name).from_artifact(artifact)
