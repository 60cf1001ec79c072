"""``aiida-osc report``: the page and tables of a campaign."""

import click

from aiida_osc.cli.common import load_osc_profile, profile_option


@click.command()
@click.argument('campaign', metavar='PK')
@click.option('-o', '--output', 'folder', type=click.Path(file_okay=False), required=True, help='Folder to write to.')
@profile_option
def report(campaign: str, folder: str, profile: str | None):
    """Write the report of a campaign: an HTML page, and CSV files with every number and where it comes from.

    PK is the pk, uuid or label of a campaign, which may still be running.
    """
    load_osc_profile(profile)
    from aiida_osc.provenance.campaign import read_campaign
    from aiida_osc.provenance.find import find_campaign
    from aiida_osc.report.write import write_report

    page, *tables = write_report(read_campaign(find_campaign(campaign)), folder)
    click.echo(f'report: {page}')
    click.echo(f'tables: {", ".join(path.name for path in tables)}')
