"""Settings of a split."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings

METHODS = ('random', 'scaffold', 'cluster', 'time')
#: What becomes of the common test split.
COMMON_TEST = ('test', 'leave_out', 'ignore')
ROWS, SOURCE = 'rows', 'source'


@dataclass(frozen=True)
class SplitSettings(Settings):
    """What a user can choose.

    :param by: what stays together: ``random`` only stereoisomers, ``scaffold`` molecules of one Bemis-Murcko scaffold,
        ``cluster`` similar molecules; ``time`` tests on what came last.
    :param fractions: of training, validation and test, which sum to 1.
    :param common_test: molecules of the common test split go to ``test``, are ``leave_out``, or are split as all others
        (``ignore``, for benchmarks alone).
    :param similarity: Tanimoto similarity from which molecules are neighbours in a cluster.
    :param order: of ``time``: the ``rows`` of the table, its ``source`` texts in natural order, or a written column
        whose values rise; molecules without a value count as the earliest.
    :param tautomers: keep tautomers together, and look for them among the leaks.
    :param columns: written columns to give the normalisation of; None for all.
    """

    by: str = 'random'
    fractions: Sequence[float] = (0.8, 0.1, 0.1)
    common_test: str = 'test'
    similarity: float = 0.5
    order: str = ROWS
    tautomers: bool = False
    columns: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Check the values.

        :raises OscError: when one is out of range.
        """
        for name, allowed in (('by', METHODS), ('common_test', COMMON_TEST)):
            if getattr(self, name) not in allowed:
                raise OscError(f'{name} is {getattr(self, name)!r}: use one of {", ".join(allowed)}')
        object.__setattr__(self, 'fractions', tuple(float(value) for value in self.fractions))
        if len(self.fractions) != 3 or min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-6:
            given = ' '.join(f'{value:g}' for value in self.fractions)
            raise OscError(f'fractions {given}: give three that sum to 1, of training, validation and test')
        if self.fractions[0] == 0:
            raise OscError('the fraction of training is 0: give more')
        if not 0 < self.similarity <= 1:
            raise OscError(f'similarity is {self.similarity}: give more than 0 and at most 1')
        if self.columns is not None:
            object.__setattr__(self, 'columns', tuple(self.columns))
