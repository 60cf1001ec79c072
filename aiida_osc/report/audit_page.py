"""The HTML page of an audit."""

from pathlib import Path

from markupsafe import Markup

from aiida_osc.datasets.audit.records import KINDS, Audit, SetAudit
from aiida_osc.errors import OscError
from aiida_osc.report import audit_figures as figures
from aiida_osc.report import words
from aiida_osc.report.html import render_template

TEMPLATE = 'audit.html.jinja'
#: Columns whose distributions are drawn; the table has all.
MAX_PLOTS = 24


def render_audit(audit: Audit) -> str:
    """Return the page as text."""
    plots = {record.name: _plots(record) for record in audit.sets}
    return render_template(
        TEMPLATE, audit=audit, plots=plots, kinds=KINDS, target_name=words.target_name, number=_number
    )


def write_audit(audit: Audit, path: str | Path) -> None:
    """Write the page.

    :raises OscError: when the file cannot be written.
    """
    try:
        Path(path).write_text(render_audit(audit), encoding='utf-8')
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception.strerror}') from None


def _plots(record: SetAudit) -> dict[str, list[Markup]]:
    drawn: dict[str, list[str | None]] = {
        'coverage': [figures.coverage(record)],
        'molecules': [figures.elements(record), figures.sizes(record)] if record.structures.sizes else [],
        'columns': [figures.distribution(record, column) for column in record.columns[:MAX_PLOTS]],
    }
    return {name: [Markup(item) for item in items if item is not None] for name, items in drawn.items()}  # noqa: S704


def _number(value: float | None) -> str:
    return '–' if value is None else f'{value:.4g}'.replace('-', '−')
