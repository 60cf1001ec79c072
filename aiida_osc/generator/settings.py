"""Settings of the generator: of its training and of sampling from it."""

from dataclasses import dataclass, replace
from typing import Self

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings
from aiida_osc.training.settings import FitSettings

STRATEGIES = ('prior', 'around', 'mixed')


@dataclass(frozen=True)
class JtvaeSettings(FitSettings):
    """Settings of a JT-VAE training, those of the loop included.

    :param hidden: width of all hidden layers.
    :param latent: size of the latent vector; the tree and the graph encoder give one half each.
    :param graph_rounds: rounds of message passing over bonds.
    :param dropout: share of decoder inputs that are blanked, so that the decoder listens to the latent vector.
    :param kl_weight: weight of the KL divergence after annealing.
    :param kl_epochs: share of the epochs over which the weight rises from zero.
    :param free_bits: divergence of each latent dimension that costs nothing, in nats.
    :param property_weight: weight of the property heads.
    :param chain_count: molecules that must share an acyclic motif for it to stay whole.
    :param validation: share of the molecules that is held out and reported on; which weights are kept is decided by the
        training molecules, as a generator is to know them well.
    :param min_labels: labels that a column needs to get a property head.
    :param hold_out_test: leave molecules of the common test split out of the training.
    :param memory: molecules kept in the model, to sample around them.
    :param jobs: processes that decompose molecules.
    """

    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 2e-3
    hidden: int = 160
    latent: int = 64
    graph_rounds: int = 3
    dropout: float = 0.2
    kl_weight: float = 0.05
    kl_epochs: float = 0.5
    free_bits: float = 0.0
    property_weight: float = 1.0
    chain_count: int = 2
    min_labels: int = 20
    validation: float = 0.05
    hold_out_test: bool = True
    memory: int = 2000
    jobs: int = 1

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        super().__post_init__()
        if self.jobs < 1:
            raise OscError(f'{self.jobs} processes: give a positive number')
        if self.latent < 2 or self.latent % 2 or self.hidden < 2 or self.graph_rounds < 1:
            raise OscError('latent must be an even number, hidden at least 2 and graph_rounds at least 1')
        if not (0 <= self.dropout < 1 and 0 <= self.validation < 1 and self.kl_epochs > 0):
            raise OscError('dropout and validation lie in [0, 1), and kl_epochs is positive')
        if min(self.kl_weight, self.free_bits, self.property_weight) < 0:
            raise OscError('kl_weight, free_bits and property_weight are not negative')

    def essence(self) -> Self:
        """Return the settings without those that may change between two pieces of one training."""
        return replace(super().essence(), jobs=1)


@dataclass(frozen=True)
class SampleSettings(Settings):
    """Settings of sampling new molecules.

    :param count: molecules wanted.
    :param strategy: ``prior`` draws latent vectors from the prior, ``around`` moves those of known molecules, ``mixed``
        does both in equal shares.
    :param noise: size of the move, in units of the spread of the known molecules' latent vectors.
    :param temperature: of the decoder's choices; 0 takes the likeliest.
    :param max_heavy_atoms: larger molecules are rejected.
    :param max_sa_score: harder molecules are rejected (Ertl-Schuffenhauer scale, 1 to 10).
    :param max_nodes: motifs after which a tree is closed, so that every decoding ends.
    :param windows: written column or target -> ``[low, high]`` for the property heads' prediction.
    :param around: SMILES to sample around; those of the training by default.
    :param max_attempts: decodings per wanted molecule before sampling gives up.
    """

    count: int = 200
    strategy: str = 'mixed'
    noise: float = 0.7
    temperature: float = 0.8
    max_heavy_atoms: int = 40
    max_sa_score: float = 6.0
    max_nodes: int = 60
    windows: dict[str, list[float]] | None = None
    around: list[str] | None = None
    max_attempts: int = 20

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if self.strategy not in STRATEGIES:
            raise OscError(f'strategy is {self.strategy!r}: give one of {", ".join(STRATEGIES)}')
        for name in ('count', 'noise', 'temperature', 'max_sa_score'):
            if getattr(self, name) < 0:
                raise OscError(f'{name} is {getattr(self, name)}: it must not be negative')
        for name in ('max_heavy_atoms', 'max_nodes', 'max_attempts'):
            if getattr(self, name) < 1:
                raise OscError(f'{name} is {getattr(self, name)}: it must be at least 1')
        for name, window in (self.windows or {}).items():
            if len(window) != 2 or not window[0] <= window[1]:
                raise OscError(f'window {name} is {window}: give [low, high]')
