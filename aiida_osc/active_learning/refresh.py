"""How a generator is trained again between iterations: shorter, more gently each time, the best molecules favoured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiida_osc.active_learning.settings import SelectionSettings
from aiida_osc.errors import OscError
from aiida_osc.settings import Settings


@dataclass(frozen=True)
class RefreshSettings(Settings):
    """Schedule of refreshes.

    :param epochs: of each refresh.
    :param learning_rate: of the first.
    :param decay: factor on the learning rate from one to the next.
    :param softness: share of the molecules over which the weight of a rank halves; 0 for equal weights.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    decay: float = 0.7
    softness: float = 0.1

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if self.epochs < 1 or self.learning_rate <= 0 or not 0 < self.decay <= 1 or self.softness < 0:
            raise OscError('refresh: epochs and learning_rate are positive, decay in (0, 1], softness not negative')

    def training(self, base: Mapping[str, Any], selection: Mapping[str, Any], number: int) -> dict[str, Any]:
        """Return the settings of a training.

        :param base: settings of the first training, whose other values stay.
        :param selection: whose objectives say what the best molecules are.
        :param number: of this refresh, from 0.
        """
        families = SelectionSettings.from_dict(dict(selection)).families()
        favour = {name: {str(item.column): item.direction for item in items} for name, items in families.items()}
        return {
            **base,
            'epochs': self.epochs,
            'learning_rate': self.learning_rate * self.decay**number,
            'favour': favour if self.softness else None,
            'favour_softness': self.softness or 1.0,
        }
