"""``aiida-osc data describe``."""

import click

from aiida_osc.cli.common import load_osc_profile, profile_option
from aiida_osc.cli.sets import (
    OUT_HELP,
    label_option,
    level_option,
    molecule_node,
    open_molecules,
    open_structures,
    run_function,
    structures_node,
    write_set,
)

NAMES = ('descriptors', 'sa_score', 'packing', 'hansen')


@click.command()
@click.argument('identifier', metavar='FILE|NODE')
@click.option(
    '--only',
    multiple=True,
    type=click.Choice(NAMES),
    help='What to compute: descriptors of the graph, synthetic accessibility, a packing surrogate, Hansen parameters '
    '(surrogates of solubility). All when not given; may be given several times.',
)
@click.option(
    '--partner',
    'partners',
    multiple=True,
    metavar='PARTNER',
    help='Add a miscibility surrogate, the Hansen distance from PARTNER: a known name such as chlorobenzene, a SMILES, '
    'or NAME=D,P,H in MPa^0.5.',
)
@click.option('--dipole', default='', metavar='COLUMN', help='Dipoles that the polar Hansen parameter follows from.')
@click.option('--geometries', metavar='FILE|NODE', help='Structures that the packing surrogate follows from.')
@click.option('--out', metavar='FILE', help=OUT_HELP)
@level_option
@label_option
@profile_option
def describe(identifier, only, partners, dipole, geometries, out, level, label, profile):
    """Add columns that follow from graph or structure by a formula: descriptors and surrogates.

    Models are not trained on such columns unless they are named.
    """
    from aiida_osc.datasets.describe import DescribeSettings, describe_table

    chosen = {name: name in only for name in NAMES} if only else {}
    settings = DescribeSettings(partners=partners, dipole=dipole, **chosen)
    if out:
        structures = None if geometries is None else open_structures(geometries, profile)
        table, report = describe_table(open_molecules(identifier, profile, level), settings, structures)
        tell(report)
        write_set(table, out)
        return
    load_osc_profile(profile)
    node = _store(molecule_node(identifier, level), settings, geometries)
    node.label = label
    click.echo(f'pk {node.pk}, uuid {node.uuid}: {node.count} molecules')


def tell(report):
    """Say on standard error what was computed and what not."""
    for name, count in report['columns'].items():
        click.echo(f'{name}: {count} of {report["molecules"]} molecules', err=True)
    if report['uncovered_groups']:
        groups = ', '.join(f'{name} ({count})' for name, count in report['uncovered_groups'].items())
        click.echo(f'no Hansen parameters for molecules with {groups}', err=True)
    for name, count in report['structures'].items():
        click.echo(f'structures {name}: {count}', err=True)
    if report['unparsable']['count']:
        click.echo(f'{report["unparsable"]["count"]} SMILES are no molecules', err=True)


def _store(molecules, settings, geometries):
    from aiida.orm import Dict

    from aiida_osc.calculations.functions.describe import describe as describe_set

    values = settings.to_dict()
    inputs = {'molecules': molecules, 'settings': Dict({**values, 'partners': list(values['partners'])})}
    if geometries is not None:
        inputs['geometries'] = structures_node(geometries)
    outputs = run_function(describe_set, **inputs)
    tell(outputs['report'].get_dict())
    return outputs['molecules']
