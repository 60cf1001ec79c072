"""Weights that favour the best molecules of a set, in a training or as parents."""

from collections.abc import Mapping, Sequence

import numpy as np

from aiida_osc.errors import OscError

SIGNS = {'min': 1.0, 'max': -1.0}


def rank_weights(ranks: np.ndarray, softness: float) -> np.ndarray:
    """Return weights that fall with the rank, with mean 1 (Tripp et al. 2020, arXiv 2006.09191).

    :param ranks: 0 for the best, shape ``(molecules,)``.
    :param softness: share of the molecules over which the weight halves; the larger, the more even.
    """
    weights = 1.0 / (softness * len(ranks) + ranks + 1e-9)
    return weights / weights.mean() if len(weights) else weights


def favoured_ranks(
    labels: np.ndarray, columns: Sequence[str], favour: Mapping[str, Mapping[str, str]]
) -> np.ndarray | None:
    """Return the rank of each molecule in the family where it stands best, None when no family can be judged.

    A family's figure of merit is the sum of its standardised columns; a molecule without all of them comes last.

    :param labels: standardised, NaN where missing; shape ``(molecules, columns)``.
    :param favour: family -> written column -> ``min`` or ``max``; columns without labels are passed over.
    :raises OscError: when a direction is another word.
    """
    ranks = []
    for family, directions in favour.items():
        wrong = sorted(set(directions.values()) - set(SIGNS))
        if wrong:
            raise OscError(f'direction {wrong[0]!r} of family {family}: use min or max')
        known = [(columns.index(name), SIGNS[direction]) for name, direction in directions.items() if name in columns]
        if not known:
            continue
        merit = sum(sign * labels[:, place] for place, sign in known)
        ranks.append(np.where(np.isnan(merit), len(labels), np.argsort(np.argsort(merit, kind='stable'))))
    return np.min(ranks, axis=0) if ranks else None
