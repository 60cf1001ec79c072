"""Settings of sampling from a generator."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

PRIOR, AROUND, BETWEEN, MIXED, ASCENT = STRATEGIES = ('prior', 'around', 'between', 'mixed', 'ascent')
#: Family of windows that were given without one.
ANY = 'any'


@dataclass(frozen=True)
class SampleSettings(Settings):
    """Settings of sampling new molecules.

    :param count: molecules wanted.
    :param strategy: ``prior`` draws latent vectors from the prior, ``around`` moves those of known molecules,
        ``between`` takes points between two of them, ``mixed`` draws from the prior and around in equal shares,
        ``ascent`` breeds from the molecules that a surrogate scores best.
    :param noise: size of the move, in units of the spread of the known molecules' latent vectors; half in an ascent.
    :param temperature: of the decoder's choices; 0 takes the likeliest.
    :param max_heavy_atoms: larger molecules are rejected.
    :param max_sa_score: harder molecules are rejected (Ertl-Schuffenhauer scale, 1 to 10).
    :param max_nodes: motifs after which a tree is closed, so that every decoding ends.
    :param strained: keep molecules that the rules of :mod:`aiida_osc.chem.strain` refuse.
    :param reactive: keep molecules with a group of :mod:`aiida_osc.chem.reactive`.
    :param require: SMARTS, or SMILES of scaffolds, that a molecule must all contain.
    :param forbid: SMARTS that it must not contain.
    :param windows: written column or target -> ``[low, high]`` for the property heads' prediction.
    :param families: the same for several families, such as ``p_type`` and ``n_type``; each gets an equal share.
    :param guided: share of the latent vectors that are led towards the windows.
    :param resample: latent vectors drawn for each one that is led, of which the property heads choose the nearest.
    :param keep_outside: keep molecules that miss all windows.
    :param norm_cap: no step leads further from the origin than this many times the radius of the prior's shell, the
        square root of the latent dimensions, unless it began further out.
    :param oversample: molecules that an ascent scores for each one that it hands out.
    :param around: SMILES to sample around or between, or to ascend from; those of the training by default.
    :param max_attempts: decodings per wanted molecule before sampling gives up.
    :param patience: decodings in a row without a molecule to keep after which it gives up before.
    """

    count: int = 200
    strategy: str = MIXED
    noise: float = 0.7
    temperature: float = 0.8
    max_heavy_atoms: int = 40
    max_sa_score: float = 6.0
    max_nodes: int = 60
    strained: bool = False
    reactive: bool = False
    require: list[str] | None = None
    forbid: list[str] | None = None
    windows: dict[str, list[float]] | None = None
    families: dict[str, dict[str, list[float]]] | None = None
    guided: float = 1.0
    resample: int = 16
    keep_outside: bool = False
    norm_cap: float = 1.2
    oversample: int = 5
    around: list[str] | None = None
    max_attempts: int = 20
    patience: int = 4000

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if self.strategy not in STRATEGIES:
            raise OscError(f'strategy is {self.strategy!r}: give one of {", ".join(STRATEGIES)}')
        for name in ('count', 'noise', 'temperature', 'max_sa_score'):
            if getattr(self, name) < 0:
                raise OscError(f'{name} is {getattr(self, name)}: it must not be negative')
        for name in ('max_heavy_atoms', 'max_nodes', 'max_attempts', 'patience', 'resample', 'oversample'):
            if getattr(self, name) < 1:
                raise OscError(f'{name} is {getattr(self, name)}: it must be at least 1')
        if not 0 <= self.guided <= 1 or self.norm_cap <= 0:
            raise OscError('guided lies in [0, 1] and norm_cap is positive')
        for name in ('require', 'forbid', 'around'):
            _check_texts(name, getattr(self, name))
        if self.windows and self.families:
            raise OscError('windows and families are both given: put the windows into a family')
        for windows in self.demands().values():
            for target, window in windows.items():
                _check_window(target, window)

    def demands(self) -> dict[str, dict[str, list[float]]]:
        """Return the windows of each family; those without a family under :data:`ANY`."""
        if self.windows:
            return {ANY: self.windows}
        found = self.families or {}
        if not isinstance(found, Mapping) or not all(isinstance(item, Mapping) and item for item in found.values()):
            raise OscError(f'families is {found!r}: give {{family: {{target: [low, high]}}}}')
        return dict(found)


def _check_texts(name: str, texts: Any) -> None:
    if texts is not None and (isinstance(texts, str) or not all(isinstance(text, str) for text in texts)):
        raise OscError(f'{name} is {texts!r}: give a list of texts')


def _check_window(name: str, window: Any) -> None:
    try:
        low, high = (float(bound) for bound in window)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise OscError(f'window {name} is {window}: give [low, high]')
