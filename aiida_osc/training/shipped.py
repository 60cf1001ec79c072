"""Models by name: those that come with the package, and folders."""

from importlib.resources import as_file, files
from pathlib import Path

from aiida_osc.training.artifact import ModelArtifact

#: Names of the models that come with the package.
SHIPPED = ('conformers',)


def is_shipped(identifier: str) -> bool:
    """Return whether a model of that name comes with the package; a folder of that name goes first."""
    return identifier in SHIPPED and not Path(identifier).exists()


def load_model(identifier: str) -> ModelArtifact:
    """Return the model in a folder, or the one of that name that comes with the package.

    :raises OscError: when a file is missing or damaged.
    """
    if not is_shipped(identifier):
        return ModelArtifact.load(identifier)
    with as_file(files('aiida_osc.shipped').joinpath(identifier)) as folder:
        return ModelArtifact.load(folder)
