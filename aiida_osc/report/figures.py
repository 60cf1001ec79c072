"""Plots of a campaign as SVG text, the same bytes for the same numbers."""

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from aiida_osc.active_learning.pareto import front_ranks
from aiida_osc.active_learning.settings import Objective, promotion_rules
from aiida_osc.datasets.columns import Column
from aiida_osc.report.records import BATCH, COMPUTED, CONTROL, PREDICTED, CampaignRecord, MoleculeRecord
from aiida_osc.report.words import axis, family

#: Colours that are told apart by colour-blind readers (Okabe and Ito) and in grey print.
BLUE, ORANGE, GREEN, GREY, INK = '#0072b2', '#d55e00', '#009e73', '#a0a8b0', '#24292f'
COLOURS = {BATCH: BLUE, CONTROL: ORANGE}
MARKERS = {BATCH: 'o', CONTROL: 's'}
ROLE_NAMES = {BATCH: 'selected', CONTROL: 'random control'}
SIZE = (4.6, 3.9)
STYLE = {
    'svg.fonttype': 'none',
    'text.parse_math': False,
    'font.family': 'sans-serif',
    'font.sans-serif': ['system-ui', 'Helvetica', 'Arial', 'DejaVu Sans'],
    'font.size': 10,
    'axes.edgecolor': '#8c959f',
    'axes.labelcolor': INK,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.titlesize': 11,
    'axes.titleweight': 'bold',
    'axes.titlelocation': 'left',
    'xtick.color': '#57606a',
    'ytick.color': '#57606a',
    'legend.frameon': False,
    'legend.fontsize': 9,
}


def render(draw: Callable[[Axes], None], name: str) -> str:
    """Return what ``draw`` puts on an axes as one SVG element.

    :param name: salt of the identifiers inside the SVG, so that several figures may share a page.
    """
    style: Any = {**STYLE, 'svg.hashsalt': name}
    with mpl.rc_context(style), _quiet_fonts():
        figure = Figure(figsize=SIZE, layout='constrained')
        draw(figure.add_subplot())
        figure.legend(loc='outside lower center', ncols=2)
        buffer = io.StringIO()
        figure.savefig(buffer, format='svg', transparent=True, metadata={'Date': None, 'Creator': None})
    text = buffer.getvalue()
    return text[text.index('<svg') :].strip()


def parity(record: CampaignRecord, column: Column) -> str | None:
    """Return predicted against computed with error bars of one standard deviation; None without data."""
    points = {role: _pairs(record.molecules, role, column) for role in (BATCH, CONTROL)}
    if not any(len(items) for items in points.values()):
        return None

    def draw(axes: Axes) -> None:
        for role, items in points.items():
            if len(items):
                x, y, sigma = np.array(items).T
                error = np.abs(x - y).mean()
                axes.errorbar(
                    x, y, yerr=sigma, fmt=MARKERS[role], color=COLOURS[role], ms=4.5, lw=0.8, alpha=0.85,
                    label=f'{ROLE_NAMES[role]}: MAE {error:.2f}, n = {len(x)}',
                )  # fmt: skip
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color=GREY, lw=1, zorder=0)
        axes.set(xlim=(low, high), ylim=(low, high), xlabel=f'computed {axis(column)}', ylabel='predicted')

    return render(draw, f'parity {column}')


def pareto(record: CampaignRecord, name: str) -> str | None:
    """Return the first two objectives of a family: initial data, batches, control, windows and the front."""
    objectives = record.objectives[name]
    if len(objectives) < 2:
        return None
    columns = [item.column for item in objectives[:2]]
    groups = {role: _values(record.molecules, role, columns) for role in (CONTROL, BATCH)}
    initial = np.column_stack([record.initial.values(key) for key in columns])
    initial = initial[np.isfinite(initial).all(axis=1)]
    everything = np.concatenate([initial, groups[BATCH]])
    if not len(everything):
        return None

    def draw(axes: Axes) -> None:
        axes.scatter(
            initial[:, 0],
            initial[:, 1],
            s=9,
            color=GREY,
            label=f'initial data ({len(initial)})',
            linewidths=0,
            zorder=1,
        )
        for role, values in groups.items():
            if len(values):
                label = f'{ROLE_NAMES[role]} ({len(values)})'
                axes.scatter(
                    values[:, 0], values[:, 1], s=26, color=COLOURS[role], marker=MARKERS[role], label=label, zorder=3
                )
        _draw_front(axes, everything, objectives[:2])
        _draw_window(axes, record, name, columns)
        axes.set(xlabel=axis(columns[0]), ylabel=axis(columns[1]))
        axes.set_title(f'{family(name)} family')

    return render(draw, f'pareto {name}')


def hits(record: CampaignRecord) -> str | None:
    """Return the hits summed over iterations, of the batches and of the random control."""
    entries = record.history['iterations']
    if not entries:
        return None
    numbers = [0, *(item['iteration'] for item in entries)]
    batch = np.cumsum([0, *(item['hits'] for item in entries)])
    control = [item['control'] for item in entries]

    def draw(axes: Axes) -> None:
        axes.plot(numbers, batch, 'o-', color=BLUE, label=ROLE_NAMES[BATCH])
        if any(control):
            counts = np.cumsum([0, *(item['hits'] if item else 0 for item in control)])
            axes.plot(numbers, counts, 's--', color=ORANGE, label=ROLE_NAMES[CONTROL])
        axes.set(xlabel='iteration', ylabel='hits so far', ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))

    return render(draw, 'hits')


def volumes(record: CampaignRecord) -> str | None:
    """Return the hypervolume of each family per iteration; the control's curve is dashed."""
    entries = record.history['iterations']
    start = (record.history.get('initial') or {}).get('hypervolume', {})
    if not any(value is not None for item in entries for value in item['hypervolume'].values()):
        return None

    def draw(axes: Axes) -> None:
        for name, colour in zip(sorted(record.objectives), (BLUE, GREEN, ORANGE, INK) * 5, strict=False):
            for key, style, suffix in (('hypervolume', 'o-', ''), ('hypervolume_control', 's--', ', random control')):
                points = [(0, start.get(name)), *((item['iteration'], item.get(key, {}).get(name)) for item in entries)]
                known = [(x, y) for x, y in points if y is not None]
                if len(known) > 1 or (known and key == 'hypervolume'):
                    label = f'{family(name)}{suffix}'
                    axes.plot(*zip(*known, strict=True), style, color=colour, ms=5, label=label)
        axes.set(xlabel='iteration', ylabel='dominated hypervolume')
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return render(draw, 'volumes')


def _pairs(molecules: Sequence[MoleculeRecord], role: str, column: Column) -> list[tuple[float, float, float]]:
    """Return (computed, predicted, sigma) of every molecule of that role that has both."""
    found = []
    for item in molecules:
        computed, predicted = item.find(column, COMPUTED), item.find(column, PREDICTED)
        if item.role == role and computed is not None and predicted is not None:
            found.append((computed.value, predicted.value, predicted.sigma or 0.0))
    return found


def _values(molecules: Sequence[MoleculeRecord], role: str, columns: Sequence[Column]) -> np.ndarray:
    """Return the computed values of the molecules of that role, shape ``(molecules, columns)``."""
    rows = []
    for item in molecules:
        numbers = [item.find(column, COMPUTED) for column in columns]
        if item.role == role and item.status == COMPUTED and all(numbers):
            rows.append([number.value for number in numbers if number is not None])
    return np.array(rows).reshape(-1, len(columns))


def _draw_front(axes: Axes, values: np.ndarray, objectives: Sequence[Objective]) -> None:
    """Draw the staircase through the molecules that no other one beats in both objectives."""
    signs = np.array([item.sign for item in objectives])
    costs = values * signs
    front = costs[front_ranks(costs) == 0]
    front = front[np.argsort(front[:, 0])] * signs
    axes.step(front[:, 0], front[:, 1], where='post', color=INK, lw=1, zorder=2, label='front of both objectives')


def _draw_window(axes: Axes, record: CampaignRecord, name: str, columns: Sequence[Column]) -> None:
    """Shade where a molecule is promoted, as far as the axes reach."""
    rule = promotion_rules(record.rules).get(name) if record.rules else None
    if rule is None or not set(columns) & set(rule.bounds):
        return
    limits = [axes.get_xlim(), axes.get_ylim()]
    spans = [
        (max(rule.bounds.get(key, limit)[0], limit[0]), min(rule.bounds.get(key, limit)[1], limit[1]))
        for key, limit in zip(columns, limits, strict=True)
    ]
    (left, right), (low, high) = spans
    if right > left and high > low:
        shade = Rectangle((left, low), right - left, high - low, color=GREEN, alpha=0.12, lw=0, zorder=0)
        axes.add_patch(shade).set_label('promoted')
    axes.set(xlim=limits[0], ylim=limits[1])


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Silence the search for fonts: the figures name the reader's fonts, which this machine need not have."""
    logger = logging.getLogger('matplotlib.font_manager')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
