"""``aiida-osc data split``."""

import json
from pathlib import Path

import click

from aiida_osc.cli.common import load_osc_profile, profile_option, seed_option
from aiida_osc.cli.sets import level_option, molecule_node, open_molecules, run_function, write_set
from aiida_osc.errors import OscError

PARTS = ('train', 'validation', 'test')


@click.command()
@click.argument('identifier', metavar='FILE|NODE')
@click.option(
    '--by',
    type=click.Choice(['random', 'scaffold', 'cluster', 'time']),
    default='random',
    show_default=True,
    help='What stays together: stereoisomers alone, a scaffold, similar molecules; or test on what came last.',
)
@click.option(
    '--fractions',
    nargs=3,
    type=float,
    default=(0.8, 0.1, 0.1),
    show_default=True,
    help='Of training, validation and test.',
)
@click.option(
    '--common-test',
    type=click.Choice(['test', 'leave_out', 'ignore']),
    default='test',
    show_default=True,
    help='Where the common test split goes: to test, nowhere, or with all others (for benchmarks alone).',
)
@click.option('--similarity', type=float, default=0.5, show_default=True, help='Of neighbours in a cluster (Tanimoto).')
@click.option('--order', default='rows', show_default=True, help='Of --by time: rows, source, or a written column.')
@click.option('--tautomers', is_flag=True, help='Keep tautomers together and look for them among the leaks.')
@click.option('--column', 'columns', multiple=True, metavar='COLUMN', help='Normalise this column; all when not given.')
@click.option('--out-prefix', metavar='PREFIX', help='Write PREFIX-train.h5 and so on; needs no profile.')
@click.option('--format', 'suffix', type=click.Choice(['h5', 'csv', 'sdf']), default='h5', help='Of --out-prefix.')
@seed_option
@level_option
@profile_option
def split(identifier, out_prefix, suffix, seed, level, profile, **options):
    """Split a molecule set into training, validation and test, and check the parts for leaks.

    The report has counts, leaks, and mean and standard deviation of each column in the training part.
    """
    from aiida_osc.datasets.splitting.settings import SplitSettings
    from aiida_osc.datasets.splitting.split import split_table

    settings = SplitSettings(**{**options, 'columns': options['columns'] or None})
    if out_prefix:
        found = split_table(open_molecules(identifier, profile, level), settings, seed=seed)
        tell(found.report)
        for name in PARTS:
            write_set(getattr(found, name), f'{out_prefix}-{name}.{suffix}')
        _write_report(found.report, Path(f'{out_prefix}-report.json'))
        return
    load_osc_profile(profile)
    outputs = _store(molecule_node(identifier, level), settings, seed)
    tell(outputs['report'].get_dict())
    for name in (*PARTS, 'report'):
        click.echo(f'{name}: pk {outputs[name].pk}, uuid {outputs[name].uuid}')


def tell(report):
    """Say on standard error what became of the molecules."""
    counts = ', '.join(f'{name} {count}' for name, count in report['counts'].items())
    leaks = {kind: report['leaks'][kind] for kind in ('inchikey', 'skeleton', 'tautomer')}
    shared = ', '.join(f'{kind} {count}' for kind, count in leaks.items() if count is not None)
    click.echo(f'{counts}; left out {report["common_test"]["left_out"]}; in several parts by {shared}', err=True)
    for flag in report['flags']:
        click.echo(f'note: {flag}', err=True)


def _store(molecules, settings, seed):
    from aiida.orm import Dict, Int

    from aiida_osc.calculations.functions.split import split as split_set

    values = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.to_dict().items()}
    return run_function(split_set, molecules=molecules, settings=Dict(values), seed=Int(seed))


def _write_report(report, path):
    try:
        path.write_text(json.dumps(report, indent=2, allow_nan=False), encoding='utf-8')
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception.strerror}') from None
    click.echo(f'report written to {path}', err=True)
