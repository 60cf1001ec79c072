"""Settings of the training of a generator."""

from dataclasses import dataclass, replace
from typing import Self

from aiida_osc.errors import OscError
from aiida_osc.training.settings import FitSettings


@dataclass(frozen=True)
class JtvaeSettings(FitSettings):
    """Settings of a JT-VAE training, those of the loop included.

    :param hidden: width of all hidden layers; a warm start keeps the shape of the model it starts from.
    :param latent: size of the latent vector, from the tree and the graph encoder together.
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
    :param favour: family -> written column -> ``min`` or ``max``: molecules that rank high are drawn more often.
    :param favour_softness: share of the molecules over which the weight of a rank halves.
    :param memory: molecules kept in the model, to sample around them.
    :param jobs: processes that decompose molecules.
    """

    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 2e-3
    hidden: int = 160
    latent: int = 64
    graph_rounds: int = 3
    dropout: float = 0.0
    kl_weight: float = 0.03
    kl_epochs: float = 1.0
    free_bits: float = 0.0
    property_weight: float = 1.0
    chain_count: int = 2
    min_labels: int = 20
    validation: float = 0.05
    hold_out_test: bool = True
    favour: dict[str, dict[str, str]] | None = None
    favour_softness: float = 0.1
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
