"""The HTML page of a campaign: one file, no script, nothing loaded from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from aiida_osc.active_learning.settings import promotion_rules
from aiida_osc.datasets.columns import Column
from aiida_osc.report import figures, tables, words
from aiida_osc.report.drawing import molecule_svg
from aiida_osc.report.html import render_template
from aiida_osc.report.records import BATCH, COMPUTED, PREDICTED, CampaignRecord, MoleculeRecord, Number
from aiida_osc.report.statistics import Comparison

TEMPLATE = 'report.html.jinja'
#: More drawings would make the page slow on a phone; the tables have all molecules.
MAX_DRAWN = 240
#: Targets shown on a card besides the objectives.
MORE_TARGETS = ('homo', 'lumo', 'dipole')


@dataclass(frozen=True)
class Cell:
    """A number as printed, where it stands in a table and where it comes from."""

    text: str
    title: str
    href: str


@dataclass(frozen=True)
class CardRow:
    """One line of a card."""

    name: str
    unit: str
    level: str
    mark: str
    computed: Cell | None
    predicted: Cell | None


@dataclass(frozen=True)
class Card:
    """One molecule as drawn on the page."""

    molecule: MoleculeRecord
    drawing: Markup | None
    rows: tuple[CardRow, ...]


def render_page(record: CampaignRecord) -> str:
    """Return the page as text."""
    levels = level_marks(record)
    places = {id(number): row for row, (_, number) in enumerate(tables.listed_numbers(record), start=2)}
    drawn = sorted((item for item in record.molecules if item.role == BATCH), key=lambda item: not item.hits)
    cards = [_card(item, record, levels, places) for item in drawn[:MAX_DRAWN] if item.status == COMPUTED]
    return render_template(
        TEMPLATE,
        record=record,
        comparison=Comparison.from_totals(record.history['totals']),
        history_source=_history_source(record),
        figures=_figures(record),
        levels=levels,
        promoted=[card for card in cards if card.molecule.hits],
        others=[card for card in cards if not card.molecule.hits],
        left_out=max(0, len(drawn) - MAX_DRAWN),
        failed=[item for item in record.molecules if item.status != COMPUTED],
        rules=_rules(record),
        cpu=_cpu(record),
        errors=_errors(record),
        tables=tables,
    )


def level_marks(record: CampaignRecord) -> dict[str, str]:
    """Return a footnote letter for each level of theory, in the order of the columns."""
    columns = {number.column for item in record.molecules for number in item.numbers} | set(record.columns())
    marks: dict[str, str] = {}
    for column in sorted(columns):
        marks.setdefault(_level(column), _letter(len(marks)))
    return marks


def _level(column: Column) -> str:
    return f'{column.level}, {column.environment}'


def _letter(index: int) -> str:
    return chr(ord('a') + index) if index < 26 else f'a{index}'


def _card(
    molecule: MoleculeRecord, record: CampaignRecord, levels: Mapping[str, str], places: Mapping[int, int]
) -> Card:
    wanted = record.columns()
    extra = [
        number.column
        for number in molecule.numbers
        if number.kind == COMPUTED and number.column.target in MORE_TARGETS and number.column not in wanted
    ]
    rows = []
    for column in (*wanted, *extra):
        computed, predicted = molecule.find(column, COMPUTED), molecule.find(column, PREDICTED)
        if computed is None and predicted is None:
            continue
        level = _level(column)
        cells = [None if item is None else _cell(item, places[id(item)]) for item in (computed, predicted)]
        rows.append(CardRow(words.quantity(column), words.unit(column), level, levels[level], *cells))
    drawing = molecule_svg(molecule.smiles)
    return Card(molecule, None if drawing is None else Markup(drawing), tuple(rows))  # noqa: S704 (our own SVG)


def _cell(number: Number, row: int) -> Cell:
    """Return the number with its origin; ``#row=`` is the fragment of RFC 7111."""
    text = words.number(number.value, number.column)
    if number.sigma is not None:
        text += f' ± {words.number(number.sigma, number.column)}'
    origin = '' if number.process is None else f', from {number.process.what} {number.process.uuid}'
    title = f'{number.kind} at {_level(number.column)}; node {number.node.uuid}{origin}'
    return Cell(text, title, f'{tables.NUMBERS}#row={row}')


def _figures(record: CampaignRecord) -> dict[str, list[Markup]]:
    """Return the plots of each section."""
    columns = [column for column in record.columns() if column.target != 'sa_score']
    drawn = {
        'history': [figures.hits(record), figures.volumes(record)],
        'pareto': [figures.pareto(record, name) for name in record.objectives],
        'parity': [figures.parity(record, column) for column in columns],
    }
    return {name: [Markup(item) for item in items if item is not None] for name, items in drawn.items()}  # noqa: S704


def _history_source(record: CampaignRecord) -> str:
    return record.history_node.uuid if record.history_node is not None else tables.NOT_STORED


def _cpu(record: CampaignRecord) -> Cell | None:
    """Return the CPU time of the labelling jobs in hours."""
    costs = [item for item in record.costs if item.name == 'cpu_seconds']
    if not costs:
        return None
    nodes = ', '.join(item.node.uuid for item in costs)
    return Cell(f'{sum(item.value for item in costs) / 3600:.2f}', f'sum over the nodes {nodes}', tables.HISTORY)


def _rules(record: CampaignRecord) -> list[dict[str, Any]]:
    """Return the promotion windows in words."""
    rules = promotion_rules(record.rules) if record.rules else {}
    return [
        {
            'family': family,
            'scale': rule.scale,
            'windows': [
                {
                    'name': words.quantity(column),
                    'low': f'{low:g}',
                    'high': f'{high:g}',
                    'unit': words.unit(column),
                    'level': _level(column),
                }
                for column, (low, high) in rule.bounds.items()
            ],
        }
        for family, rule in rules.items()
    ]


def _errors(record: CampaignRecord) -> list[dict[str, Any]]:
    """Return how good the predictions were, one entry per iteration, role and column."""
    found = []
    for entry in record.history['iterations']:
        for role, key in (('selected', 'errors'), ('random control', 'errors_control')):
            for name, values in entry[key].items():
                column = Column.parse(name)
                row = {'iteration': entry['iteration'], 'role': role, 'name': words.quantity(column)}
                found.append({**row, 'unit': words.unit(column), 'level': _level(column), **_error(values, column)})
    return found


def _error(values: Mapping[str, Any], column: Column) -> dict[str, str]:
    share = values['coverage_90']
    return {
        'n': str(values['n']),
        'mae': words.number(values['mae'], column),
        'bias': words.number(values['bias'], column),
        'z': '–' if values['mean_abs_z'] is None else f'{values["mean_abs_z"]:.2f}',
        'coverage': '–' if share is None else f'{100 * share:.0f} %',
    }
