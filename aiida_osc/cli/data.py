"""``aiida-osc data``: data sets in, out and together."""

import click

from aiida_osc.cli.common import is_file, load_osc_node, load_osc_profile, profile_option, seed_option
from aiida_osc.cli.data_audit import audit
from aiida_osc.cli.data_describe import describe
from aiida_osc.cli.data_split import split
from aiida_osc.cli.importing import import_as_node, import_as_table
from aiida_osc.cli.sets import OUT_HELP, label_option, level_option
from aiida_osc.cli.sets import open_set as _open
from aiida_osc.cli.sets import write_set as _write
from aiida_osc.errors import OscError

__all__ = ['data', 'import_as_node']


@click.group('data')
def data():
    """Import, show and export data sets."""


data.add_command(audit)
data.add_command(describe)
data.add_command(split)


@data.command('import')
@click.argument('file', required=False)
@click.option('--source', type=click.Choice(['qm9', 'seed']), help='A data set that comes with a package.')
@click.option(
    '--column',
    'columns',
    multiple=True,
    metavar='NAME=TARGET:UNIT[@LEVEL]',
    help='What a column of the file is; names such as HOMO_eV or lumo_hartree need no mapping.',
)
@level_option
@click.option('--environment', default='gas', show_default=True, help='Environment of these columns.')
@click.option('--smiles-column', metavar='NAME', help='Column with the SMILES of a CSV file.')
@click.option(
    '--format',
    'file_format',
    type=click.Choice(['csv', 'smiles', 'sdf', 'h5']),
    help='Format of the file, if its suffix does not tell.',
)
@click.option('--sample', type=click.IntRange(1), metavar='N', help='Draw N molecules of --source qm9 at random.')
@seed_option
@label_option
@click.option('--out', metavar='FILE', help=OUT_HELP)
@click.option('--rejected', metavar='FILE', help='Write the rows that were left out, with reasons, as CSV.')
@profile_option
def import_(file, source, columns, sample, seed, label, out, rejected, profile, **options):
    """Import molecules and labels from a CSV, SMILES, SDF or HDF5 FILE, or from a known source.

    Molecules are standardised, units converted, duplicates merged. Bad rows are listed, never fatal.
    """
    from aiida_osc.datasets.headers import parse_mapping

    settings = {name: value for name, value in options.items() if value is not None}
    if columns:
        settings['columns'] = dict(parse_mapping(text) for text in columns)
    if out:
        _write(import_as_table(file, source, settings, sample, seed, rejected), out)
        return
    load_osc_profile(profile)
    node = import_as_node(
        path=file, source=source, settings=settings, label=label, sample=sample, seed=seed, rejected=rejected
    )
    _announce(node)


@data.command()
@click.argument('identifier', metavar='FILE|NODE')
@click.option('--rows', type=click.IntRange(0), default=5, show_default=True, help='Molecules to print.')
@profile_option
def show(identifier, rows, profile):
    """Show what a data set holds: columns, levels, ranges, sources and the first molecules."""
    from aiida_osc.cli.tables import describe_table

    for line in describe_table(_open(identifier, profile), rows):
        click.echo(line)


@data.command()
@click.argument('identifier', metavar='FILE|NODE')
@click.option('--out', required=True, metavar='FILE', help='File to write: .csv, .sdf, .xyz or .h5.')
@level_option
@profile_option
def export(identifier, out, level, profile):
    """Write a molecule or geometry set as CSV, SDF, XYZ or HDF5."""
    _write(_open(identifier, profile, level=level), out)


@data.command()
@click.argument('identifiers', nargs=-1, required=True, metavar='FILE|NODE...')
@level_option
@label_option
@click.option('--out', metavar='FILE', help=OUT_HELP)
@profile_option
def merge(identifiers, level, label, out, profile):
    """Unite molecule sets by InChIKey; earlier ones win, differing values are reported."""
    if out:
        from aiida_osc.datasets.merge import merge_tables
        from aiida_osc.datasets.molecule_table import MoleculeTable

        tables = {}
        for number, identifier in enumerate(identifiers):
            table = _open(identifier, profile, level=level)
            if not isinstance(table, MoleculeTable):
                raise OscError(f'{identifier} holds geometries: only molecule sets are merged')
            tables[f'{number}: {identifier}'] = table
        result = merge_tables(tables)
        _tell_merge(result.report(), dict(enumerate(identifiers)))
        _write(result.table, out)
        return
    load_osc_profile(profile)
    _announce(_merge_nodes(identifiers, level, label))


def _merge_nodes(identifiers, level, label):
    """Return the stored union of nodes and files, each file imported first."""
    from aiida_osc.calculations.functions.merge import merge as merge_sets
    from aiida_osc.data.molecule_set import MoleculeSetData

    settings = {'level': level} if level else {}
    nodes = [
        import_as_node(path=item, settings=settings) if is_file(item) else load_osc_node(item, MoleculeSetData)
        for item in identifiers
    ]
    outputs = merge_sets(**{f'set_{number:03d}': node for number, node in enumerate(nodes)})
    _tell_merge(outputs['report'].get_dict(), dict(enumerate(identifiers)))
    outputs['molecules'].label = label
    return outputs['molecules']


def _tell_merge(report, identifiers):
    """Say what each set added, and the conflicts."""
    for (name, added), identifier in zip(report['added'].items(), identifiers.values(), strict=True):
        conflicts = sum(item['table'] == name for item in report['conflicts'])
        click.echo(f'{identifier}: {added} new molecules, {conflicts} values differ from earlier sets', err=True)


def _announce(node):
    click.echo(f'pk {node.pk}, uuid {node.uuid}: {node.count} molecules')
