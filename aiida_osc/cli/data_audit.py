"""``aiida-osc data audit``."""

import json

import click

from aiida_osc.cli.common import load_osc_profile, profile_option
from aiida_osc.cli.sets import level_option, molecule_node, open_molecules, run_function


@click.command()
@click.argument('identifiers', nargs=-1, required=True, metavar='FILE|NODE...')
@click.option('--out', metavar='PAGE.html', help='Write a page with plots.')
@click.option('--json', 'as_json', is_flag=True, help='Print the whole audit as JSON.')
@click.option('--tautomers', is_flag=True, help='Look for tautomers among the duplicates.')
@click.option('--outlier', type=click.FloatRange(0), metavar='Z', help='Robust z-score of an outlier (default 6).')
@click.option('--listed', type=click.IntRange(0), metavar='N', help='Molecules named per column (default 20).')
@click.option('--store', is_flag=True, help='Store the audit as a node that is linked to the sets.')
@level_option
@profile_option
def audit(identifiers, out, as_json, store, level, profile, **options):
    """Show what molecule sets hold, lack and should not hold, and what they share.

    Coverage of every property and level, outliers, impossible values, duplicates, elements and sizes.
    """
    from aiida_osc.cli.audit_lines import audit_lines
    from aiida_osc.datasets.audit.audit import audit_tables
    from aiida_osc.datasets.audit.settings import AuditSettings

    settings = AuditSettings.from_dict({name: value for name, value in options.items() if value is not None})
    # A set given twice is two sets.
    names = [item if identifiers.count(item) == 1 else f'{item} ({place})' for place, item in enumerate(identifiers)]
    if store:
        load_osc_profile(profile)
        tables = _store(identifiers, settings, level)
    else:
        tables = [open_molecules(item, profile, level) for item in identifiers]
    found = audit_tables(dict(zip(names, tables, strict=True)), settings)
    if out:
        from aiida_osc.report.audit_page import write_audit

        write_audit(found, out)
        click.echo(f'page written to {out}', err=True)
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    for line in audit_lines(found):
        click.echo(line)


def _store(identifiers, settings, level):
    """Return the tables of the nodes, after their audit was stored."""
    from aiida.orm import Dict

    from aiida_osc.calculations.functions.audit import audit as audit_sets

    nodes = [molecule_node(item, level) for item in identifiers]
    sets = {f'set_{number:03d}': node for number, node in enumerate(nodes)}
    node = run_function(audit_sets, settings=Dict(settings.to_dict()), **sets)
    click.echo(f'audit: pk {node.pk}, uuid {node.uuid}', err=True)
    return [node.load() for node in nodes]
