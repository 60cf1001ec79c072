"""Learning from a cheaper level: what it says of a target is a straight line, what is left is learnt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError

#: Labels per coefficient below which a straight line would follow the noise.
LABELS_PER_COEFFICIENT = 3


@dataclass(frozen=True)
class Delta:
    """Least-squares lines from columns of a cheaper level to each target (delta learning: 10.1021/acs.jctc.5b00099).

    :param inputs: columns of the cheaper level.
    :param lines: coefficients of the inputs, the constant last, shape ``(inputs + 1, targets)``.
    """

    inputs: tuple[Column, ...]
    lines: np.ndarray

    @classmethod
    def fit(cls, inputs: tuple[Column, ...], values: np.ndarray, labels: np.ndarray) -> Self:
        """Return the lines through the labels of the training part.

        :param values: of the inputs, shape ``(molecules, inputs)``, finite.
        :param labels: shape ``(molecules, targets)``; NaN where missing.
        :raises OscError: when a target has too few labels.
        """
        design = _design(values)
        least = LABELS_PER_COEFFICIENT * design.shape[1]
        lines = np.zeros((design.shape[1], labels.shape[1]))
        for target, there in enumerate(np.isfinite(labels).T):
            if there.sum() < least:
                raise OscError(
                    f'{there.sum()} labels for {design.shape[1]} coefficients of the cheaper level: give at least '
                    f'{least}, or fewer inputs'
                )
            lines[:, target] = np.linalg.lstsq(design[there], labels[there, target], rcond=None)[0]
        return cls(inputs, lines)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], targets: int) -> Self:
        """Return what :meth:`to_json` stored.

        :raises OscError: when it is damaged.
        """
        inputs, lines = tuple(Column.parse(name) for name in raw['inputs']), np.asarray(raw['lines'], dtype=float)
        if lines.shape != (len(inputs) + 1, targets) or not np.isfinite(lines).all():
            raise OscError('the surrogate is damaged: the lines of its cheaper level do not fit its columns')
        return cls(inputs, lines)

    def to_json(self) -> dict[str, Any]:
        """Return inputs and coefficients."""
        return {'inputs': [str(column) for column in self.inputs], 'lines': self.lines.tolist()}

    def read(self, table: MoleculeTable) -> np.ndarray:
        """Return the values of the inputs in ``table``, shape ``(molecules, inputs)``; NaN where missing.

        :raises OscError: when the table lacks a column.
        """
        missing = [str(column) for column in self.inputs if column not in table.columns]
        if missing:
            raise OscError(
                f'this model starts from {", ".join(map(str, self.inputs))}: compute {", ".join(missing)} first, '
                'and give a table with these columns'
            )
        return np.stack([table.values(column) for column in self.inputs], axis=1)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return what the cheaper level says, shape ``(molecules, targets)``; NaN where an input is missing."""
        return _design(values) @ self.lines


def _design(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values, np.ones(len(values))])
