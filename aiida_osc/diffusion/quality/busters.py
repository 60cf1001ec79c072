"""The checks of PoseBusters (doi 10.1039/D3SC04185A), where that package is installed."""

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from aiida_osc.qc.placing import set_positions


def bust(mols: Sequence[Chem.Mol], positions: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return the share of structures that pass each check of the molecule alone, and ``all`` of them.

    Its energy check is left out: it embeds fifty conformers without a time-out, and hangs at small cages.

    :param positions: one structure of each molecule, in Angstrom, shape ``(atoms, 3)``.
    :returns: ``installed`` false and nothing else where the package is missing.
    """
    if find_spec('posebusters') is None:
        return {'installed': False}
    from posebusters import PoseBusters

    structures = [set_positions(mol, place) for mol, place in zip(mols, positions, strict=True)]
    level = logging.getLogger('posebusters').level
    logging.getLogger('posebusters').setLevel(logging.ERROR)
    try:
        with rdBase.BlockLogs():
            table = PoseBusters(config='mol_fast').bust(structures)
    finally:
        logging.getLogger('posebusters').setLevel(level)
    passed = table.fillna(False).astype(bool)
    shares = {str(name): float(passed[name].mean()) for name in passed.columns}
    return {'installed': True, 'structures': len(structures), 'all': float(passed.all(axis=1).mean()), **shares}
