"""Figures are valid SVG, have what they are meant to show, and are the same for the same numbers."""

from dataclasses import replace
from xml.etree import ElementTree

from aiida_osc.active_learning.settings import Objective, default_column
from aiida_osc.report import figures

IE = default_column('ie_adiabatic')


def texts(svg):
    root = ElementTree.fromstring(svg)
    return [node.text for node in root.iter('{http://www.w3.org/2000/svg}text') if node.text]


def test_parity(record):
    found = texts(figures.parity(record, IE))
    assert 'computed adiabatic IE / eV' in found
    assert 'selected: MAE 0.10, n = 2' in found
    assert 'random control: MAE 0.10, n = 1' in found


def test_parity_without_predictions(record):
    assert figures.parity(record, default_column('homo')) is None


def test_pareto(record):
    found = texts(figures.pareto(record, 'p_type'))
    assert {'p-type family', 'selected (2)', 'random control (1)', 'initial data (3)', 'promoted'} <= set(found)


def test_pareto_needs_two_objectives(record):
    one = {'p_type': (Objective(IE, 'min'),)}
    assert figures.pareto(replace(record, objectives=one), 'p_type') is None


def test_history(record):
    assert 'hits so far' in texts(figures.hits(record))
    assert 'dominated hypervolume' in texts(figures.volumes(record))


def test_family_names_are_no_formulas(record):
    name = 'a$b<i>$'
    changed = replace(record, objectives={name: record.objectives['p_type']}, rules={})
    assert 'a$b<i>$ family' in texts(figures.pareto(changed, name))


def test_same_numbers_same_bytes(record):
    assert figures.pareto(record, 'n_type') == figures.pareto(record, 'n_type')
