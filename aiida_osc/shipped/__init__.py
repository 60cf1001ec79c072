"""Trained models that come with the package, a folder each, with a card that says how they were made."""

from pathlib import Path

FOLDER = Path(__file__).parent
#: Names of the models.
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob('*/config.json')))


def resolve(identifier: str) -> str:
    """Return the folder of the shipped model of that name; any other identifier, or a file of that name, as it is."""
    return str(FOLDER / identifier) if identifier in NAMES and not Path(identifier).exists() else identifier
