"""The page: nothing hostile gets through, and every number says where it comes from."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from aiida_osc.active_learning.history import build_history
from aiida_osc.active_learning.settings import promotion_rules
from aiida_osc.report.page import level_marks, render_page
from aiida_osc.report.tables import listed_numbers
from report.conftest import EVIL

UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')


class Outline(HTMLParser):
    """Collects the tags of a page and checks that they are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ('meta', 'br'):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope='module')
def page(record):
    return render_page(record)


@pytest.fixture(scope='module')
def outline(page):
    parser = Outline()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_hostile_text_is_escaped(page, outline):
    assert EVIL not in page
    assert '&lt;script&gt;alert(' in page
    assert not [tag for tag, _ in outline.tags if tag in ('script', 'iframe', 'object', 'img', 'link')]
    assert not [name for _, attrs in outline.tags for name in attrs if name.startswith('on')]


def test_a_hostile_smiles_is_escaped_and_not_drawn(record):
    first, *rest = record.molecules
    page = render_page(replace(record, molecules=(replace(first, smiles=f'C{EVIL}'), *rest)))
    assert EVIL not in page
    assert 'cannot be drawn' in page


def test_nothing_is_loaded_from_elsewhere(page, outline):
    links = [attrs[name] for _, attrs in outline.tags for name in ('href', 'src', 'xlink:href') if name in attrs]
    assert links
    assert not [link for link in links if '//' in link or link.startswith('data:')]
    assert not re.search(r'url\((?!#)', page)
    assert "default-src 'none'" in page


def test_every_number_names_a_node(outline):
    numbers = [attrs for tag, attrs in outline.tags if tag == 'a' and attrs.get('class') == 'num']
    assert len(numbers) > 30
    for attrs in numbers:
        assert UUID.search(attrs['title']), attrs
        assert re.fullmatch(r'(numbers|history)\.csv(#row=\d+)?', attrs['href'])


def test_a_number_leads_to_its_row(record, page):
    rows = listed_numbers(record)
    found = re.findall(r'numbers\.csv#row=(\d+)" title="(\w+) at ([^;]+); node ([0-9a-f-]+)[^>]*>([^<]+)<', page)
    assert found
    for row, kind, level, uuid, text in found:
        _, number = rows[int(row) - 2]
        assert (number.kind, number.node.uuid) == (kind, uuid)
        assert level == f'{number.column.level}, {number.column.environment}'
        assert float(text.split(' ')[0].replace('−', '-')) == pytest.approx(number.value, abs=0.005)


def test_levels_have_footnotes(record, page):
    marks = level_marks(record)
    assert len(marks) == 3  # IPEA1 for IE and EA, GFN2 for lambda, the synthetic accessibility
    for level, mark in marks.items():
        assert f'<sup>{mark}</sup> {level}' in page


def test_verdict_and_candidates(page):
    assert '1 hit among 2 computed molecules' in page
    assert 'may well be chance' in page
    assert page.count('p-type candidate') == 1
    assert '=cmd|' in page


def test_identifiers_inside_figures_do_not_collide(outline):
    names = [attrs['id'] for tag, attrs in outline.tags if tag in ('clippath', 'article') and 'id' in attrs]
    assert len(names) == len(set(names)) > 4


def test_a_campaign_that_has_just_begun(record):
    empty = build_history([], record.objectives, promotion_rules(record.rules), initial=record.initial)
    page = render_page(replace(record, molecules=(), models=(), costs=(), history=empty, history_node=None))
    assert 'The campaign has not ended' in page
    assert 'Nothing has been computed yet.' in page
    assert 'No computed molecule lies inside the windows so far.' in page


def test_same_records_give_the_same_page(record, page):
    assert render_page(record) == page
