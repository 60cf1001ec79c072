"""The packages that the runner needs where it runs."""

from __future__ import annotations

import importlib
import sys

from .job import Job

#: Module to import -> name of the package for pip.
TBLITE = {'tblite.interface': 'tblite'}
PYSCF = {'pyscf.dft': 'pyscf'}
DISPERSION = {'pyscf.dispersion.dftd3': 'pyscf-dispersion'}
GEOMETRIC = {'geometric': 'geometric'}
#: The package is built for one version of CUDA each.
GPU = {'gpu4pyscf': 'gpu4pyscf-cuda12x'}
ALWAYS = {'rdkit.Chem': 'rdkit', 'numpy': 'numpy'}
#: Packages whose version is told where they are loaded.
TOLD = ('pyscf', 'gpu4pyscf', 'geometric')


def needed(job: Job) -> dict[str, str]:
    """Return the modules that a job needs, and the package of each."""
    levels = (job.plan.geometry, job.plan.energy)
    ranks = job.settings.conformer_ranking == 'xtb'
    found = TBLITE if ranks or any(level.is_xtb for level in levels) else {}
    if any(not level.is_xtb for level in levels):
        found = {**found, **PYSCF}
    if any(level.dispersion or '-d3' in level.method for level in levels):
        found = {**found, **DISPERSION}
    if 'pyscf.dft' in found and job.settings.device == 'gpu':
        found = {**found, **GPU}
    if job.settings.optimiser == 'geometric':
        found = {**found, **GEOMETRIC}
    return {**found, **ALWAYS}


def find_missing(job: Job) -> str | None:
    """Return which package cannot be imported and how to install all, None when all are there."""
    modules = needed(job)
    for module in reversed(list(modules)):
        try:
            importlib.import_module(module)
        except (ImportError, OSError) as exception:
            command = f'"{sys.executable} -m pip install {" ".join(modules.values())}"'
            return f'{exception}: install the engine with {command} or choose a Python that has it'
    return None


def versions(job: Job) -> dict[str, str]:
    """Return the versions that made a result."""
    import numpy as np
    from rdkit import rdBase

    python = '.'.join(str(part) for part in sys.version_info[:3])
    found = {'rdkit': rdBase.rdkitVersion, 'numpy': np.__version__, 'python': python}
    if 'tblite.interface' in needed(job):
        from tblite import library

        found = {'tblite': '.'.join(str(part) for part in library.get_version()), **found}
    loaded = {name: getattr(sys.modules[name], '__version__', 'unknown') for name in TOLD if name in sys.modules}
    return {**loaded, **found}
