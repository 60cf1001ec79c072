"""Settings of the conformer model: of its training and of sampling from it."""

from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings
from aiida_osc.training.settings import FitSettings


@dataclass(frozen=True)
class ConformerSettings(FitSettings):
    """Settings of the training of a conformer model, those of the loop included.

    :param batch_size: molecules of the mean size in a batch; a batch of larger ones has fewer.
    :param hidden: width of the atoms' vectors.
    :param pair: width of the pairs' vectors.
    :param layers: layers that move the atoms.
    :param path: ``flow``, ``ou`` or ``vp``, see ``PathSettings``.
    :param prior: of the flow: ``harmonic``, or ``white``.
    :param prior_scale: of the prior's width, in Angstrom.
    :param warp: how much earlier the coarse modes settle than the fine ones; 0 for all at once.
    :param bond_weight: weight of the distances of bonded atoms.
    :param angle_weight: weight of the distances over one atom.
    :param torsion_weight: weight of the distances over a conjugated bond.
    :param smoothness_weight: weight of the error's roughness, its Dirichlet energy over the bond graph.
    :param energy_weight: weight of atoms that come closer than they may.
    :param max_atoms: molecules with more atoms, hydrogens included, are left out.
    :param validation: share of the molecules that is held out and decides which weights are kept.
    :param hold_out_test: leave molecules of the common test split out of the training.
    """

    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 2e-3
    clip_norm: float = 1.0
    hidden: int = 128
    pair: int = 32
    layers: int = 7
    path: str = 'flow'
    prior: str = 'harmonic'
    prior_scale: float = 1.0
    warp: float = 0.0
    bond_weight: float = 1.0
    angle_weight: float = 0.5
    torsion_weight: float = 0.5
    smoothness_weight: float = 0.0
    energy_weight: float = 0.0
    ema: float = 0.999
    max_atoms: int = 120
    validation: float = 0.02
    hold_out_test: bool = True

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        super().__post_init__()
        if min(self.hidden, self.pair, self.layers, self.max_atoms) < 1 or not self.prior_scale > 0:
            raise OscError('hidden, pair, layers, max_atoms and prior_scale must be positive')
        weights = (self.bond_weight, self.angle_weight, self.torsion_weight, self.smoothness_weight, self.energy_weight)
        if min(weights) < 0 or not 0 < self.validation < 1:
            raise OscError('weights of the loss are not negative and validation lies in (0, 1)')


@dataclass(frozen=True)
class SampleSettings(Settings):
    """Settings of sampling structures.

    :param sampler: a key of ``SAMPLERS``.
    :param steps: evaluations of the network, twice as many for ``heun``.
    :param eta: noise of the ``ddim`` steps: 0 for none, 1 for as much as the ancestral sampler's.
    :param clean: steps of MMFF94 after those of the sampler; 0 for none.
    :param polish: times at which the network looks at the cleaned structure again, one after the other; none for none.
    :param polish_atoms: atoms of the largest molecule that is left as the network saw it; others are cleaned again.
    :param batch_atoms: atoms in a batch, padding included.
    :param threads: CPU threads; 0 for torch's own choice.
    """

    sampler: str = 'ddim'
    steps: int = 1
    eta: float = 0.0
    clean: int = 200
    polish: tuple[float, ...] = (0.5, 0.1)
    polish_atoms: int = 32
    batch_atoms: int = 1200
    threads: int = 1
    device: str = 'auto'

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if self.steps < 1:
            raise OscError(f'{self.steps} steps: give at least 1')
        if self.batch_atoms < 1 or min(self.threads, self.clean) < 0:
            raise OscError('batch_atoms must be positive, threads and clean not negative')
        if not 0 <= self.eta <= 1 or not all(0 < time < 1 for time in self.polish):
            raise OscError('eta must be in [0, 1] and the times of polish in (0, 1)')
