"""The page of an audit is one file of escaped text and valid SVG, and names what it is meant to."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from aiida_osc.datasets.audit.audit import audit_tables
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.report import audit_figures as figures
from aiida_osc.report.audit_page import render_audit, write_audit

EVIL = '<script>alert("x")</script>'
LAMBDA = Column('lambda_hole', f'level {EVIL}')
HOMO = Column('homo', 'PBE')


@pytest.fixture(scope='module')
def audit():
    smiles = ('c1ccccc1', 'c1ccsc1', 'CC', 'C1C')
    columns = {LAMBDA: np.array([0.1, -0.3, 0.2, np.nan]), HOMO: np.array([-6.0, -5.0, -5.5, -5.2])}
    table = MoleculeTable(smiles, ('A', 'B', 'C', EVIL), ('seed', EVIL, 'seed', 'seed'), columns)
    return audit_tables({f'set {EVIL}': table, 'part': table.take([0])})


@pytest.fixture(scope='module')
def page(audit):
    return render_audit(audit)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href') and not (value or '').startswith('#')]


def texts(svg):
    root = ElementTree.fromstring(svg)
    return [node.text for node in root.iter('{http://www.w3.org/2000/svg}text') if node.text]


def test_the_page_is_escaped_and_loads_nothing(page):
    tags = Tags()
    tags.feed(page)
    assert 'script' not in tags.names
    assert tags.links == []
    assert '&lt;script&gt;' in page
    assert tags.names.count('svg') == 3 + 2 + 3 + 2  # coverage, elements, sizes and columns of both sets


def test_the_page_says_what_is_missing_and_wrong(page):
    assert 'missing: aiida-osc data describe adds it' in page
    assert 'outside 0 to 5 eV' in page
    assert '1 SMILES are no molecules' in page
    assert 'miscibility surrogate' in page


def test_coverage_names_every_target(audit):
    found = texts(figures.coverage(audit.sets[0]))
    assert {'vertical IE', 'λ electron', 'packing*', 'miscibility*', 'labels', 'computed by a formula'} <= set(found)


def test_distribution(audit):
    column = next(item for item in audit.sets[0].columns if item.column == str(HOMO))
    found = texts(figures.distribution(audit.sets[0], column))
    assert {'HOMO / eV', 'n = 4', 'median', 'PBE'} <= set(found)
    assert figures.distribution(audit.sets[0], column) == figures.distribution(audit.sets[0], column)


def test_without_labels_there_is_no_distribution():
    table = MoleculeTable(('C',), ('A',), ('x',), {HOMO: np.array([np.nan])})
    (record,) = audit_tables({'x': table}).sets
    assert figures.distribution(record, record.columns[0]) is None
    assert 'no labels' in render_audit(audit_tables({'x': table}))


def test_elements_and_sizes(audit):
    assert {'C', 'H', 'S'} <= set(texts(figures.elements(audit.sets[0])))
    assert 'heavy atoms' in texts(figures.sizes(audit.sets[0]))


def test_a_folder_that_is_not_there(audit, tmp_path, monkeypatch):
    monkeypatch.setattr('aiida_osc.report.audit_page.render_audit', lambda audit: 'page')
    with pytest.raises(OscError, match='cannot be written'):
        write_audit(audit, tmp_path / 'no' / 'page.html')
