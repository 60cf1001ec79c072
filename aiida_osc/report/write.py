"""Write the report of a campaign into a folder."""

from pathlib import Path

from aiida_osc.errors import OscError
from aiida_osc.report.page import render_page
from aiida_osc.report.records import CampaignRecord
from aiida_osc.report.tables import write_tables

PAGE = 'index.html'


def write_report(record: CampaignRecord, folder: str | Path) -> list[Path]:
    """Write the page and the tables into ``folder``, which is made when it is not there, and return their paths.

    :raises OscError: when the folder cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        page = target / PAGE
        page.write_text(render_page(record), encoding='utf-8')
        return [page, *write_tables(record, target)]
    except OSError as exception:
        raise OscError(f'cannot write the report to {folder}: {exception.strerror}; give another folder') from None
