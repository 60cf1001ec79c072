"""What the selection was worth against picks at random, honestly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest, fisher_exact

#: Above this probability a difference is called chance.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """Hits among the computed molecules of the batches and of the random control."""

    hits: int
    computed: int
    control_hits: int | None
    control_computed: int | None

    @classmethod
    def from_totals(cls, totals: Mapping[str, Any]) -> 'Comparison':
        """Return the comparison in the totals of a history."""
        control = totals.get('control')
        return cls(
            totals['hits'],
            totals['computed'],
            None if control is None else control['hits'],
            None if control is None else control['computed'],
        )

    @property
    def enrichment(self) -> float | None:
        """Return the ratio of the two hit rates; None without a control or without a hit in it."""
        if not self.computed or not self.control_computed or not self.control_hits:
            return None
        return (self.hits / self.computed) / (self.control_hits / self.control_computed)

    @property
    def p_value(self) -> float | None:
        """Return the one-sided Fisher exact probability that chance alone does as well."""
        if not self.computed or not self.control_computed or self.control_hits is None:
            return None
        rows = [
            [self.hits, self.computed - self.hits],
            [self.control_hits, self.control_computed - self.control_hits],
        ]
        return float(fisher_exact(rows, alternative='greater').pvalue)

    def sentence(self) -> str:
        """Return the verdict in words."""
        if not self.computed:
            return 'Nothing has been computed yet.'
        text = f'The selection found {_rate(self.hits, self.computed)}.'
        if self.control_hits is None:
            return f'{text} No random control was computed, so what the selection is worth cannot be told.'
        if not self.control_computed:
            return f'{text} The random control has no computed molecule yet.'
        text += f' Random picks from the same proposals gave {_rate(self.control_hits, self.control_computed)}.'
        p_value = self.p_value
        if p_value is None or p_value > SIGNIFICANT:
            return f'{text} The difference may well be chance (Fisher exact test, one-sided p = {p_value:.2g}).'
        ratio = '' if self.enrichment is None else f'{self.enrichment:.1f} times the hits per calculation, '
        return f'{text} That is {ratio}more than chance explains (Fisher exact test, one-sided p = {p_value:.2g}).'


def _rate(hits: int, computed: int) -> str:
    interval = binomtest(hits, computed).proportion_ci(0.95, method='wilson')
    word = 'hit' if hits == 1 else 'hits'
    return (
        f'{hits} {word} among {computed} computed molecules ({100 * hits / computed:.0f} %; '
        f'95 % interval {100 * interval.low:.0f} to {100 * interval.high:.0f} %)'
    )
