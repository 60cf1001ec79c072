"""Plots of how good the predictions of one column are, as SVG text."""

import numpy as np
from matplotlib.axes import Axes

from aiida_osc.datasets.columns import Column
from aiida_osc.report.figures import BLUE, GREY, ORANGE, render
from aiida_osc.report.words import axis, unit
from aiida_osc.surrogate.metrics import calibration_bins, reliability

#: More points would make the page slow; these are spread evenly over the molecules.
MAX_POINTS = 400


def parity(mean: np.ndarray, half: np.ndarray, labels: np.ndarray, column: Column, name: str) -> str:
    """Return predictions against labels with their intervals.

    :param half: half width of each interval, shape ``(molecules,)``; the other arrays likewise, without gaps.
    :param name: what tells figures of one column apart.
    """
    shown = np.unique(np.linspace(0, len(labels) - 1, MAX_POINTS).astype(int))
    error = np.abs(mean - labels)

    def draw(axes: Axes) -> None:
        some = '' if len(shown) == len(labels) else f', {len(shown)} shown'
        label = f'MAE {error.mean():.3f} {unit(column)}, n = {len(labels)}{some}'
        points, bars = labels[shown], half[shown]
        axes.errorbar(points, mean[shown], yerr=bars, fmt='o', color=BLUE, ms=3, lw=0.6, alpha=0.6, label=label)
        limits = [min(labels[shown].min(), mean[shown].min()), max(labels[shown].max(), mean[shown].max())]
        axes.plot(limits, limits, color=GREY, lw=1, zorder=0)
        axes.set(xlabel=f'label, {axis(column)}', ylabel='prediction')
        axes.set_title('Parity, with 90 % intervals')

    return render(draw, f'evaluation parity {column} {name}')


def reliability_curve(sigma: np.ndarray, error: np.ndarray, column: Column, name: str) -> str:
    """Return the share of labels inside the central normal interval against its confidence.

    :param sigma: shape ``(molecules,)``; ``error`` likewise, without gaps.
    """
    confidences, observed = reliability(sigma, error)

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, lw=1, zorder=0, label='ideal')
        axes.plot(confidences, observed, color=BLUE, label=f'standard deviations, n = {len(error)}')
        axes.fill_between(confidences, confidences, observed, color=BLUE, alpha=0.12, lw=0)
        axes.set(xlabel='confidence', ylabel='share of labels inside', xlim=(0, 1), ylim=(0, 1))
        axes.set_title('Reliability')

    return render(draw, f'evaluation reliability {column} {name}')


def error_calibration(sigma: np.ndarray, error: np.ndarray, column: Column, name: str) -> str:
    """Return the root mean square error against the predicted one, in bins of rising standard deviation.

    :param sigma: shape ``(molecules,)``; ``error`` likewise, without gaps.
    """
    predicted, found = calibration_bins(sigma, error)

    def draw(axes: Axes) -> None:
        limit = 1.05 * max(predicted.max(), found.max())
        axes.plot([0, limit], [0, limit], color=GREY, lw=1, zorder=0, label='ideal')
        axes.plot(predicted, found, 'o-', color=ORANGE, ms=5, label=f'{len(found)} bins of equal count')
        axes.set(xlabel=f'predicted, {unit(column)}', ylabel='root mean square error', xlim=(0, limit), ylim=(0, limit))
        axes.set_title('Errors against standard deviations')

    return render(draw, f'evaluation errors {column} {name}')
