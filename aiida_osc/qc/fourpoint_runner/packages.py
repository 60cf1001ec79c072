"""The packages that the runner needs where it runs."""

from __future__ import annotations

import importlib
import sys

NEEDED = ('numpy', 'rdkit', 'tblite')


def find_missing() -> str | None:
    """Return which package cannot be imported and how to install it, None when all are there."""
    for name in NEEDED:
        try:
            importlib.import_module(f'{name}.interface' if name == 'tblite' else name)
        except (ImportError, OSError) as exception:
            command = f'"{sys.executable} -m pip install {" ".join(reversed(NEEDED))}"'
            return f'{exception}: install the engine with {command} or choose a Python that has it'
    return None


def versions() -> dict[str, str]:
    """Return the versions that made a result."""
    import numpy as np
    from rdkit import rdBase
    from tblite import library

    engine = '.'.join(str(part) for part in library.get_version())
    python = '.'.join(str(part) for part in sys.version_info[:3])
    return {'tblite': engine, 'rdkit': rdBase.rdkitVersion, 'numpy': np.__version__, 'python': python}
