"""The page on a surrogate: figures, plots, nothing hostile."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.report import evaluation_figures
from aiida_osc.report.evaluation import LabelledSet, render_evaluation
from aiida_osc.surrogate.prediction import Prediction

HOMO = Column('homo', 'made up')
EVIL = '<script>alert(1)</script>'


@pytest.fixture(scope='module')
def predicted(labelled_table):
    labels = labelled_table.values(HOMO)
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.1, 0.3, (60, 1))
    mean = labels[:, None] + sigma * rng.normal(size=(60, 1))
    return LabelledSet('random split', labelled_table, Prediction((HOMO,), mean, sigma, np.arange(60) > 5))


def texts(svg):
    root = ElementTree.fromstring(svg)
    return [node.text for node in root.iter('{http://www.w3.org/2000/svg}text') if node.text]


def test_page_has_figures_plots_and_the_choice(predicted):
    choice = {'family': 'gp', 'measure': 'CRPS', 'molecules': 7, 'crps': {'gp': 0.31, 'mpnn': 0.42}, 'notes': [EVIL]}
    training = {'choice': choice, 'molecules': {'train': 40, 'calibration': 7}}
    page = render_evaluation(EVIL, training, [predicted, replace(predicted, name=f'scaffold {EVIL}')])
    assert EVIL not in page
    assert page.count('<svg') == 6
    asked, there = (re.findall(pattern, page) for pattern in (r'(?:url\(|href=")#([^)"]+)', r' id="([^"]+)"'))
    assert asked
    assert {there.count(name) for name in asked} == {1}
    assert '0.310' in page
    error = np.abs(predicted.prediction.mean[:, 0] - predicted.table.values(HOMO)).mean()
    assert f'<td>{error:.3f}</td>' in page
    assert 'scaffold &lt;script&gt;' in page
    assert not re.search(r'(src|href)="(?!#)', page)


def test_page_of_a_model_that_says_little(predicted):
    bare = replace(predicted.prediction, columns=(HOMO, Column('lumo', 'made up')),
                   mean=np.zeros((60, 2)), sigma=np.ones((60, 2)))  # fmt: skip
    page = render_evaluation('model', {}, [replace(predicted, prediction=bare)])
    assert 'The molecules have no labels of it.' in page
    assert 'Family' not in page


def test_parity_says_how_many_points_it_leaves_out():
    labels = np.linspace(-6, -5, 2000)
    found = texts(evaluation_figures.parity(labels + 0.1, np.full(2000, 0.2), labels, HOMO, 'x'))
    assert 'MAE 0.100 eV, n = 2000, 400 shown' in found


def test_curves_of_honest_predictions_lie_on_the_diagonal(monkeypatch):
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.1, 1, 3000)
    error = sigma * rng.normal(size=3000)
    drawn = {}

    def keep(draw, name):
        from matplotlib.figure import Figure

        drawn[name] = Figure().add_subplot()
        draw(drawn[name])
        return name

    monkeypatch.setattr(evaluation_figures, 'render', keep)
    for draw in (evaluation_figures.reliability_curve, evaluation_figures.error_calibration):
        axes = drawn[draw(sigma, error, HOMO, 'x')]
        x, y = next(line.get_data() for line in axes.lines if line.get_label() != 'ideal')
        np.testing.assert_allclose(y, x, atol=0.1)


@pytest.mark.parametrize('count', [1, 2])
def test_one_label_can_be_drawn(count):
    values = np.arange(count) + 1.0
    for svg in (
        evaluation_figures.parity(values, values, values, HOMO, 'x'),
        evaluation_figures.reliability_curve(values, values, HOMO, 'x'),
        evaluation_figures.error_calibration(values, values, HOMO, 'x'),
    ):
        assert texts(svg)
