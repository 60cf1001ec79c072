"""The finished conformer model: molecules to structures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from aiida_osc.diffusion.molecules.batches import collate, pad_positions, split_by_size
from aiida_osc.diffusion.molecules.cleaning import refine
from aiida_osc.diffusion.molecules.features import SYMBOLS, MoleculeGraph, featurise
from aiida_osc.diffusion.molecules.network import ConformerNetwork
from aiida_osc.diffusion.molecules.settings import ConformerSettings, SampleSettings
from aiida_osc.diffusion.molecules.task import path_settings
from aiida_osc.diffusion.paths import SpectralPath
from aiida_osc.diffusion.samplers import sample
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens
from aiida_osc.training.artifact import ModelArtifact, load_weights
from aiida_osc.training.device import cpu_threads, resolve_device

SIGNAL = 'molecules'
FAMILY = f'diffusion of {SIGNAL}'


class ConformerModel:
    """A diffusion model of molecular structures."""

    def __init__(self, network: ConformerNetwork, config: dict[str, Any]) -> None:
        """Keep the parts; the network is switched to evaluation."""
        self.network, self.config = network.eval(), config
        self.settings = ConformerSettings.from_dict(config['training']['settings'])
        self.elements = frozenset(config['extra']['elements'])

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> 'ConformerModel':
        """Return the model stored in ``artifact``.

        :raises OscError: when it is damaged, unfinished or of another kind.
        """
        artifact.require(FAMILY)
        network = build_network(artifact.config)
        load_weights(network, artifact.weights)
        try:
            return cls(network, artifact.config)
        except KeyError as exception:
            raise OscError(f'the model is damaged: {exception} is missing in its configuration') from None

    def reason(self, smiles: str) -> str | None:
        """Return why the model cannot treat a molecule, None when it can."""
        graph = self._graph(smiles)
        return graph if isinstance(graph, str) else None

    def sample(self, smiles: Sequence[str], settings: SampleSettings, *, seed: int) -> list[np.ndarray | None]:
        """Return a structure for every molecule, None where the model cannot treat it.

        :return: positions in Angstrom in the atom order of ``Chem.AddHs(Chem.MolFromSmiles(smiles))``, each of shape
            ``(atoms, 3)``.
        """
        graphs = [self._graph(text) for text in smiles]
        places = np.array([place for place, graph in enumerate(graphs) if not isinstance(graph, str)], dtype=np.int64)
        sizes = np.array([0 if isinstance(graph, str) else len(graph) for graph in graphs])
        structures: list[np.ndarray | None] = [None] * len(graphs)
        device = resolve_device(settings.device)
        self.network.to(device)
        generator = torch.Generator().manual_seed(seed % 2**63)
        with cpu_threads(settings.threads):
            for batch in _batches(sizes, places, settings.batch_atoms):
                mols = [with_hydrogens(smiles[place]) for place in batch]
                found = self._sample(mols, [graphs[place] for place in batch], settings, generator, device)
                for place, positions in zip(batch, found, strict=True):
                    structures[place] = positions.astype(np.float64)
        return structures

    def _sample(
        self,
        mols: Sequence[Chem.Mol],
        graphs: Sequence[MoleculeGraph],
        settings: SampleSettings,
        generator: torch.Generator,
        device: torch.device,
    ) -> list[np.ndarray]:
        batch = collate(graphs)
        basis = batch.basis()
        path = SpectralPath(path_settings(self.settings), basis.eigenvalues, basis.mask)
        batch = batch.to(device)
        with torch.inference_mode():
            encoded = self.network.encode(batch)

            def denoise(positions: Tensor, times: Tensor) -> Tensor:
                return self.network(batch, positions.to(device), times.to(device), encoded).cpu()

            structures = sample(
                settings.sampler,
                denoise,
                basis,
                path,
                features=3,
                batch=len(graphs),
                steps=settings.steps,
                generator=generator,
                eta=settings.eta,
            )
            made = [item[: len(graph)] for item, graph in zip(structures.numpy(), graphs, strict=True)]

            def look(positions: Sequence[np.ndarray], time: float) -> list[np.ndarray]:
                times = torch.full((len(graphs),), time)
                decayed = path.coefficients(times).signal * basis.to_modes(pad_positions(positions))
                found = denoise(basis.from_modes(decayed), times).numpy()
                return [item[: len(graph)] for item, graph in zip(found, graphs, strict=True)]

            return refine(mols, made, look, settings)

    def _graph(self, smiles: str) -> MoleculeGraph | str:
        """Return the graph of a molecule, or the reason why the model cannot treat it."""
        try:
            graph = featurise(with_hydrogens(smiles))
        except OscError as exception:
            return str(exception)
        unseen = sorted({SYMBOLS[number] for number in graph.atoms[:, 0]} - self.elements)
        if unseen:
            return f'the model was not trained on {", ".join(unseen)}'
        if not 2 <= len(graph) <= self.settings.max_atoms:
            return f'{len(graph)} atoms, the model treats 2 to {self.settings.max_atoms}'
        return graph


def build_network(config: dict[str, Any]) -> ConformerNetwork:
    """Return a network of the architecture in ``config``, without its weights.

    :raises OscError: when the architecture is damaged.
    """
    shape = config['architecture']
    try:
        sizes = {name: int(shape[name]) for name in ('hidden', 'pair', 'layers')}
    except (KeyError, TypeError, ValueError) as exception:
        raise OscError(f'the model is damaged: {exception!r} in its architecture') from None
    if not all(0 < size <= 4096 for size in sizes.values()):
        raise OscError(f'the model is damaged: its architecture says {sizes}')
    return ConformerNetwork(**sizes)


def _batches(sizes: np.ndarray, places: np.ndarray, batch_atoms: int) -> list[np.ndarray]:
    """Return batches of similar sizes; the pairs of a batch are those of ``batch_atoms`` atoms in molecules of 24."""
    return split_by_size(sizes, places, 24.0 * batch_atoms)
