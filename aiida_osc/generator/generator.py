"""The trained generator: molecules to latent vectors, latent vectors to molecules."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.generator.assemble import assemble, decompose_checked
from aiida_osc.generator.decoding import TreeDecoder
from aiida_osc.generator.junction import canonical_graph
from aiida_osc.generator.network import JtvaeNetwork
from aiida_osc.generator.sample_settings import SampleSettings
from aiida_osc.generator.sampling import Sampler, SampleResult
from aiida_osc.generator.tensors import Features, collate, featurise, graph_arrays
from aiida_osc.generator.vocabulary import Vocabulary
from aiida_osc.training.artifact import ModelArtifact, load_weights
from aiida_osc.training.device import cpu_threads

_BATCH = 256


class Generator:
    """A finished JT-VAE."""

    def __init__(self, network: JtvaeNetwork, vocabulary: Vocabulary, config: dict[str, Any]) -> None:
        """Keep the parts; the network is switched to evaluation."""
        self.network, self.vocabulary, self.config = network.eval(), vocabulary, config
        self.decoder = TreeDecoder(network, vocabulary)

    @classmethod
    def from_artifact(cls, artifact: ModelArtifact) -> 'Generator':
        """Return the generator stored in ``artifact``.

        :raises OscError: when it is damaged, unfinished or of another kind.
        """
        artifact.require('jtvae')
        network, vocabulary = build_network(artifact.config)
        load_weights(network, artifact.weights)
        return cls(network, vocabulary, artifact.config)

    def to_artifact(self) -> ModelArtifact:
        """Return weights and configuration."""
        return ModelArtifact(self.config, self.network.state_dict())

    @property
    def columns(self) -> list[Column]:
        """Return the columns of the property heads."""
        return [Column.parse(name) for name in self.config['targets']]

    @property
    def memory(self) -> list[str]:
        """Return the training molecules that the model keeps, as SMILES."""
        return list(self.config['extra']['memory'])

    def encode(self, smiles: Sequence[str]) -> Tensor:
        """Return the mean latent vector of each molecule, shape ``(count, latent)``.

        :raises MoleculeError: for a molecule that does not decompose into motifs and joints of the vocabulary.
        """
        return self._encode([self._featurise(text) for text in smiles])

    def encode_known(self, smiles: Sequence[str]) -> tuple[list[int], Tensor]:
        """Return which of the molecules can be encoded, and their mean latent vectors."""
        places, features = [], []
        for place, text in enumerate(smiles):
            try:
                features.append(self._featurise(text))
                places.append(place)
            except MoleculeError:
                continue
        return places, self._encode(features)

    def decode(
        self, latent: Tensor, *, temperature: float = 0.0, generator: torch.Generator | None = None, **limits: int
    ) -> list[str | None]:
        """Return the canonical SMILES of each latent vector, None where the motifs make no valid molecule.

        :param latent: shape ``(count, latent)``.
        :param temperature: 0 takes the likeliest choices.
        :param limits: ``max_nodes`` and ``max_heavy_atoms``.
        """
        smiles: list[str | None] = []
        for part in latent.split(_BATCH):
            trees = self.decoder.decode(part, temperature=temperature, generator=generator, **limits)
            smiles += [_smiles(tree.tree()) for tree in trees]
        return smiles

    @torch.no_grad()
    def predict(self, latent: Tensor) -> np.ndarray:
        """Return the property heads' values in the units of :attr:`columns`, shape ``(count, columns)``."""
        mean, spread = self.normalisation()
        return np.asarray(self.network.predict(latent) * spread + mean, dtype=float)

    def sample(
        self, settings: SampleSettings, *, seed: int, exclude: Sequence[str] = (), **options: Any
    ) -> SampleResult:
        """Return new valid molecules with their SA scores, and a report on all attempts.

        :param exclude: InChIKeys that must not come again; those of the training set never do.
        :param options: further ones of :class:`~aiida_osc.generator.sampling.Sampler`.
        """
        with cpu_threads(1):
            return Sampler(self, settings, seed=seed, exclude=exclude, **options).run()

    def reconstruct(self, smiles: Sequence[str]) -> float:
        """Return the share of molecules that come back from their own latent vector, stereo marks left aside."""
        places, latent = self.encode_known(smiles)
        if not smiles:
            return 0.0
        mols = [parse_smiles(smiles[place]) for place in places]
        # What is larger than any of them is none of them, and RDKit can take hours over large fused nonsense.
        most = max((mol.GetNumHeavyAtoms() for mol in mols), default=1)
        again = self.decode(latent, max_heavy_atoms=most) if places else []
        flat = [Chem.MolToSmiles(mol, isomericSmiles=False) for mol in mols]
        return sum(a == b for a, b in zip(flat, again, strict=True)) / len(smiles)

    def _featurise(self, smiles: str) -> Features:
        text, graph = canonical_graph(smiles)
        return featurise(graph_arrays(graph), decompose_checked(text, graph, self.vocabulary.chains), self.vocabulary)

    @torch.no_grad()
    def _encode(self, features: Sequence[Features]) -> Tensor:
        parts = [torch.zeros(0, self.network.latent)]
        for start in range(0, len(features), _BATCH):
            batch = collate(features[start : start + _BATCH], np.zeros((len(features[start : start + _BATCH]), 0)))
            parts.append(self.network.encode(batch).mean)
        return torch.cat(parts)

    def normalisation(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the labels behind each property head."""
        table = self.config['extra']['normalisation']
        values = torch.tensor([table[name] for name in self.config['targets']], dtype=torch.float32).reshape(-1, 2)
        return values[:, 0], values[:, 1]


def build_network(config: dict[str, Any]) -> tuple[JtvaeNetwork, Vocabulary]:
    """Return a network of the configured shape with random weights, and its vocabulary.

    :raises OscError: when the configuration is damaged.
    """
    vocabulary = Vocabulary.from_json(config['extra'].get('vocabulary', {}))
    try:
        return JtvaeNetwork(vocabulary, **config['architecture'], properties=len(config['targets'])), vocabulary
    except (TypeError, RuntimeError) as exception:
        raise OscError(f'damaged configuration of a generator: {exception}') from None


def _smiles(tree) -> str | None:  # type: ignore[no-untyped-def]
    try:
        return Chem.MolToSmiles(assemble(tree))
    except MoleculeError:
        return None
