"""Training data of a conformer model: graphs and structures of the molecules that it may learn from."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from aiida_osc.datasets.geometry_table import GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.splits import in_common_test_split
from aiida_osc.diffusion.molecules.features import MoleculeGraph, featurise
from aiida_osc.diffusion.molecules.settings import ConformerSettings
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens

_FEWEST = 2


@dataclass(frozen=True)
class TrainingData:
    """Molecules with their structures.

    :param smiles: one per structure.
    :param graphs: what the network sees.
    :param positions: in Angstrom, one array ``(atoms, 3)`` float32 per molecule, atoms in the order of the graph.
    :param train: places of the molecules to learn from.
    :param validation: places of those held out.
    :param rejected: reason -> number of molecules left out.
    """

    smiles: tuple[str, ...]
    graphs: tuple[MoleculeGraph, ...]
    positions: tuple[np.ndarray, ...]
    train: np.ndarray
    validation: np.ndarray
    rejected: dict[str, int]

    @property
    def sizes(self) -> np.ndarray:
        """Return the number of atoms of every molecule."""
        return np.array([len(graph) for graph in self.graphs])


def prepare(
    molecules: MoleculeTable, geometries: GeometryTable, settings: ConformerSettings, *, seed: int
) -> TrainingData:
    """Return the molecules of both tables that can be learnt from; several structures of a molecule all count.

    :param molecules: names the bonds of each InChIKey; a structure without its molecule is left out.
    :param geometries: neutral structures in the atom order of ``Chem.AddHs(Chem.MolFromSmiles(smiles))``.
    :param seed: decides who is held out; all structures of a molecule are on one side.
    :raises OscError: when fewer than two molecules are left.
    """
    smiles = dict(zip(molecules.inchikeys, molecules.smiles, strict=True))
    graphs, positions, keys = [], [], []
    rejected: Counter[str] = Counter()
    for item in geometries.geometries:
        reason = _unusable(item.inchikey, item.charge, len(item.numbers), smiles, settings)
        if reason is None:
            mol = with_hydrogens(smiles[item.inchikey])
            if [atom.GetAtomicNum() for atom in mol.GetAtoms()] == item.numbers.tolist():
                graphs.append(featurise(mol))
                positions.append(item.positions.astype(np.float32))
                keys.append(item.inchikey)
                continue
            reason = 'atoms in another order than those of the SMILES'
        rejected[reason] += 1
    if len(set(keys)) < _FEWEST:
        raise OscError(f'{len(set(keys))} molecules with structures to learn from ({dict(rejected)}): give at least 2')
    names = sorted(set(keys))
    count = min(max(1, round(settings.validation * len(names))), len(names) - 1)
    held = {names[place] for place in np.random.default_rng(seed).permutation(len(names))[:count]}
    is_held = np.array([key in held for key in keys])
    return TrainingData(
        tuple(smiles[key] for key in keys),
        tuple(graphs),
        tuple(positions),
        np.flatnonzero(~is_held),
        np.flatnonzero(is_held),
        dict(rejected),
    )


def _unusable(key: str, charge: int, atoms: int, smiles: dict[str, str], settings: ConformerSettings) -> str | None:
    if charge:
        return 'charged'
    if key not in smiles:
        return 'no molecule of that InChIKey'
    if settings.hold_out_test and in_common_test_split(key):
        return 'common test split'
    if atoms > settings.max_atoms or atoms < 2:
        return f'fewer than 2 or more than {settings.max_atoms} atoms'
    return None
