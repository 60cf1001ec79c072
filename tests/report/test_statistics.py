"""The verdict on the selection, against numbers from elsewhere."""

from math import comb

import pytest

from aiida_osc.report.statistics import Comparison


def test_ratio_and_probability():
    comparison = Comparison(7, 23, 3, 24)
    assert comparison.enrichment == pytest.approx((7 / 23) / (3 / 24))
    # hypergeometric probability of 7 and more hits among 23 of 47 molecules with 10 hits in all
    ways = sum(comb(10, hits) * comb(37, 23 - hits) for hits in range(7, 11))
    assert comparison.p_value == pytest.approx(ways / comb(47, 23))


def test_a_clear_case():
    text = Comparison(192, 296, 1, 185).sentence()
    assert '192 hits among 296 computed molecules (65 %' in text
    assert '120.0 times the hits per calculation, more than chance explains' in text


@pytest.mark.parametrize(
    ('comparison', 'words'),
    [
        (Comparison(0, 0, None, None), 'Nothing has been computed yet.'),
        (Comparison(1, 2, None, None), 'cannot be told'),
        (Comparison(1, 2, 0, 0), 'has no computed molecule yet'),
        (Comparison(1, 2, 0, 2), 'may well be chance'),
        (Comparison(10, 10, 0, 10), 'That is more than chance explains'),
    ],
)
def test_sentences(comparison, words):
    assert words in comparison.sentence()
