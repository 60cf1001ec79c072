"""The HTML page on how good a surrogate is: figures and plots per column and set of molecules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.report import evaluation_figures, words
from aiida_osc.report.html import render_template
from aiida_osc.surrogate.evaluate import evaluate, labels_for
from aiida_osc.surrogate.prediction import Prediction

TEMPLATE = 'evaluation.html.jinja'
#: Columns of the tables: key of the figure, heading, what it means.
FIGURES = (
    ('mae', 'MAE', 'mean absolute error'),
    ('rmse', 'RMSE', 'root mean square error'),
    ('nll', 'NLL', 'negative log likelihood'),
    ('crps', 'CRPS', 'continuous ranked probability score'),
    ('sharpness', 'sharpness', 'root mean square of the standard deviations'),
    ('ence', 'ENCE', 'expected normalised calibration error'),
    ('miscalibration_area', 'miscal. area', 'area between the reliability curve and the diagonal'),
    ('spearman', 'Spearman', 'rank correlation of absolute errors with standard deviations'),
)
#: Confidence of the bars in the parity plots.
CONFIDENCE = 0.9


@dataclass(frozen=True)
class LabelledSet:
    """Predicted molecules with labels.

    :param name: what the reader calls the set, such as the name of its file.
    """

    name: str
    table: MoleculeTable
    prediction: Prediction


def render_evaluation(model: str, training: Mapping[str, Any], sets: Sequence[LabelledSet]) -> str:
    """Return the page.

    :param model: what the reader calls the model.
    :param training: what the configuration of the model stores under that name.
    :raises OscError: when a set has no label in any column of the model.
    """
    scores = [evaluate(item.prediction, item.table) for item in sets]
    columns = [_column(column, number, sets, scores) for number, column in enumerate(sets[0].prediction.columns)]
    return render_template(
        TEMPLATE,
        model=model,
        choice=training.get('choice', {}),
        molecules=training.get('molecules', {}),
        columns=columns,
        sets=sets,
        headings=FIGURES,
    )


def _column(
    column: Column, number: int, sets: Sequence[LabelledSet], scores: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return rows and plots of one column."""
    rows = [
        {'set': item.name, 'group': group, 'n': values['n'], 'cells': _cells(values, column), 'cover': _cover(values)}
        for item, found in zip(sets, scores, strict=True)
        for group, values in found[str(column)].items()
    ]
    plots = [plot for place, item in enumerate(sets) for plot in _plots(item, column, number, str(place))]
    title = {
        'name': words.quantity(column),
        'unit': words.unit(column),
        'level': f'{column.level}, {column.environment}',
    }
    return {**title, 'rows': rows, 'plots': plots}


def _cells(values: Mapping[str, Any], column: Column) -> list[str]:
    in_units = ('mae', 'rmse', 'crps', 'sharpness')
    return [
        words.number(values[key], column)
        if key in in_units
        else ('–' if values[key] is None else f'{values[key]:.3f}'.replace('-', '−'))
        for key, _, _ in FIGURES
    ]


def _cover(values: Mapping[str, Any]) -> list[str]:
    return [f'{100 * values[f"coverage_{level}"]:.0f}' for level in (50, 90, 95)]


def _plots(item: LabelledSet, column: Column, number: int, name: str) -> list[dict[str, Any]]:
    """Return the three plots of one set with their captions; none without labels.

    :param name: tells the plots of one column apart.
    """
    labels = labels_for(item.prediction, item.table)[:, number]
    there = np.isfinite(labels)
    if not there.any():
        return []
    mean, sigma, labels = item.prediction.mean[there, number], item.prediction.sigma[there, number], labels[there]
    half = item.prediction.factors(CONFIDENCE)[number] * sigma
    drawn = (
        evaluation_figures.parity(mean, half, labels, column, name),
        evaluation_figures.reliability_curve(sigma, mean - labels, column, name),
        evaluation_figures.error_calibration(sigma, mean - labels, column, name),
    )
    return [{'set': item.name, 'svg': Markup(svg)} for svg in drawn]  # noqa: S704 (our own SVG)
