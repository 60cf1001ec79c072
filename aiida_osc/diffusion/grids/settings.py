"""Settings of the diffusion of fields: of its training and of sampling from it."""

from dataclasses import dataclass

from aiida_osc.diffusion.paths import PathSettings
from aiida_osc.diffusion.samplers import SAMPLERS
from aiida_osc.errors import OscError
from aiida_osc.settings import Settings
from aiida_osc.training.settings import FitSettings


@dataclass(frozen=True)
class GridSettings(FitSettings):
    """Settings of the training of a model of fields, those of the loop included.

    :param width: channels at full resolution; each coarser level has twice as many.
    :param levels: times that the grid is made coarser by two.
    :param path: ``flow``, ``ou`` or ``vp``, see ``PathSettings``.
    :param warp: how much earlier the coarse modes settle than the fine ones; 0 for all at once.
    :param validation: share of the fields that is held out and decides which weights are kept.
    """

    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 2e-3
    clip_norm: float = 1.0
    ema: float = 0.99
    width: int = 16
    levels: int = 2
    path: str = 'flow'
    warp: float = 0.0
    validation: float = 0.1

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        super().__post_init__()
        if self.width < 1 or self.levels < 0 or not 0 < self.validation < 1:
            raise OscError('width is positive, levels not negative and validation lies in (0, 1)')
        self.path_settings()

    def path_settings(self) -> PathSettings:
        """Return the path of fields that have been brought to unit variance.

        A single mode may hold far more than the mean variance: that of a blend about a hundred times as much.
        """
        return PathSettings(kind=self.path, warp=self.warp, decay=8.0, beta_end=24.0)


@dataclass(frozen=True)
class GridSampleSettings(Settings):
    """Settings of sampling fields.

    :param shape: sides of the grid; those of the training when empty.
    :param sampler: a key of ``SAMPLERS``.
    :param steps: steps from noise to field.
    :param eta: fresh noise of ``ddim`` and ``pc``.
    :param batch: fields at once.
    :param threads: CPU threads; 0 for torch's own choice.
    """

    shape: tuple[int, ...] = ()
    sampler: str = 'multistep'
    steps: int = 20
    eta: float = 0.0
    batch: int = 32
    threads: int = 1
    device: str = 'auto'

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if self.sampler not in SAMPLERS:
            raise OscError(f'unknown sampler {self.sampler!r}: use one of {", ".join(SAMPLERS)}')
        if self.steps < 1 or self.batch < 1:
            raise OscError(f'{self.steps} steps in batches of {self.batch} sample nothing: give at least 1 of each')
        if self.threads < 0 or not 0 <= self.eta <= 1:
            raise OscError('threads is not negative and eta lies in [0, 1]')
