"""Plots of an audit: coverage, distributions of values, elements and sizes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from aiida_osc.datasets.audit.records import ColumnAudit, SetAudit
from aiida_osc.datasets.columns import Column
from aiida_osc.report import words
from aiida_osc.report.figures import BLUE, GREEN, GREY, ORANGE, render

#: Longer levels are cut in the titles of plots; the tables have them in full.
MAX_TITLE = 46


def coverage(record: SetAudit) -> str:
    """Return the share of the molecules that have each target at any level, computed targets in another colour."""
    targets = record.targets[::-1]
    shares = np.array([100 * item.molecules / record.molecules for item in targets])
    computed = np.array([item.computed for item in targets])

    def draw(axes: Axes) -> None:
        places = np.arange(len(targets))
        for colour, rows, label in ((BLUE, ~computed, 'labels'), (GREEN, computed, 'computed by a formula')):
            axes.barh(places[rows], shares[rows], color=colour, height=0.7, label=label)
        names = [words.target_name(item.target).replace(' surrogate', '*') for item in targets]
        axes.set_yticks(places, names, fontsize=7)
        axes.set(xlim=(0, 100), xlabel='molecules with a value / %   (* surrogate)')

    return render(draw, f'coverage {record.name}')


def distribution(record: SetAudit, column: ColumnAudit) -> str | None:
    """Return the histogram of a column; None without labels."""
    histogram = column.histogram
    if histogram is None:
        return None
    key = Column.parse(column.column)
    title = column.column.partition('@')[2]

    def draw(axes: Axes) -> None:
        width = (histogram.high - histogram.low or 1.0) / len(histogram.counts)
        left = histogram.low + width * np.arange(len(histogram.counts))
        axes.bar(left, histogram.counts, width=width, align='edge', color=BLUE, label=f'n = {column.labels}')
        axes.axvline(float(column.median or 0.0), color=ORANGE, lw=1, label='median')
        axes.set(xlabel=words.axis(key), ylabel='molecules')
        axes.set_title(title if len(title) <= MAX_TITLE else f'{title[:MAX_TITLE]}…')
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))

    return render(draw, f'distribution {record.name} {column.column}')


def elements(record: SetAudit) -> str:
    """Return how many molecules hold each element."""
    names = list(record.structures.elements)
    return _bars(names, list(record.structures.elements.values()), 'element', f'elements {record.name}', log=True)


def sizes(record: SetAudit) -> str:
    """Return how many molecules have each number of heavy atoms."""
    counts = record.structures.sizes
    return _bars(list(counts), list(counts.values()), 'heavy atoms', f'sizes {record.name}')


def _bars(places: Sequence[str | int], heights: Sequence[int], label: str, name: str, *, log: bool = False) -> str:
    def draw(axes: Axes) -> None:
        axes.bar(places, heights, color=GREY, label=f'{sum(heights) if not log else max(heights, default=0)} molecules')
        if log:
            axes.set_yscale('log')
            axes.set_ylim(0.7, None)
        axes.set(xlabel=label, ylabel='molecules')

    return render(draw, name)
