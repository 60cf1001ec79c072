"""``aiida-osc data``: data sets in, out and together."""

import click

from aiida_osc.cli.common import load_osc_profile, profile_option, seed_option
from aiida_osc.cli.importing import import_as_node, import_as_table
from aiida_osc.cli.lazy import LazyGroup
from aiida_osc.cli.sets import OUT_HELP, label_option, level_option, open_molecules, open_set, write_set
from aiida_osc.datasets.sources.registry import names

__all__ = ['data', 'import_as_node']

COMMANDS = {
    'archive': ('aiida_osc.cli.data_archive', 'archive', 'Write nodes as an archive with a manifest, or check one.'),
    'audit': ('aiida_osc.cli.data_audit', 'audit', 'Show what sets hold, lack, should not hold, and share.'),
    'describe': ('aiida_osc.cli.data_describe', 'describe', 'Add columns that follow from the structure by a formula.'),
    'enumerate': ('aiida_osc.cli.data_enumerate', 'enumerate_', 'Make new molecules of those of a set by rules.'),
    'split': ('aiida_osc.cli.data_split', 'split', 'Split a set into training, validation and test.'),
}


@click.group('data', cls=LazyGroup, table=COMMANDS)
def data():
    """Import, show and export data sets."""


@data.command('import')
@click.argument('file', required=False)
@click.option('--source', type=click.Choice(names()), help='Known data set that FILE is; qm9 and seed need none.')
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
@click.option('--sample', type=click.IntRange(1), metavar='N', help='Draw N rows at random.')
@seed_option
@click.option('--jobs', type=click.IntRange(1), metavar='N', help='Processes that standardise the molecules.')
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
        write_set(import_as_table(file, source, settings, sample, seed, rejected), out)
        return
    load_osc_profile(profile)
    node = import_as_node(
        path=file, source=source, settings=settings, label=label, sample=sample, seed=seed, rejected=rejected
    )
    _announce(node)


@data.command()
def sources():
    """List the known data sets: levels, properties and units, licence and citation of each."""
    from aiida_osc.cli.tables import describe_sources

    for line in describe_sources():
        click.echo(line)


@data.command()
@click.argument('identifier', metavar='FILE|NODE')
@click.option('--rows', type=click.IntRange(0), default=5, show_default=True, help='Molecules to print.')
@click.option('--molecule', metavar='INCHIKEY|SMILES', help='Show each value of one molecule, its level and origin.')
@profile_option
def show(identifier, rows, molecule, profile):
    """Show what a data set holds: columns, levels, ranges, sources and the first molecules."""
    from aiida_osc.cli.tables import describe_molecule, describe_table

    table = open_set(identifier, profile)
    for line in describe_molecule(table, molecule) if molecule else describe_table(table, rows):
        click.echo(line)


@data.command()
@click.argument('identifier', metavar='FILE|NODE')
@click.option('--out', required=True, metavar='FILE', help='File to write: .csv, .sdf, .xyz or .h5.')
@level_option
@click.option('--origins', is_flag=True, help='Add to CSV, after each column, which set each value comes from.')
@profile_option
def export(identifier, out, level, origins, profile):
    """Write a molecule or geometry set as CSV, SDF, XYZ or HDF5."""
    write_set(open_set(identifier, profile, level=level), out, origins)


@data.command()
@click.argument('identifiers', nargs=-1, required=True, metavar='FILE|NODE...')
@level_option
@label_option
@click.option(
    '--tolerance',
    'tolerances',
    multiple=True,
    metavar='[TARGET=]NUMBER',
    help='Values that differ by more, in canonical units, are reported; 0.001 when not given. Repeat for targets.',
)
@click.option('--conflicts', metavar='FILE', help='Write every value that differs from an earlier set as CSV.')
@click.option('--out', metavar='FILE', help=OUT_HELP)
@profile_option
def merge(identifiers, level, label, tolerances, conflicts, out, profile):
    """Unite molecule sets by InChIKey; earlier ones win, differing values are reported.

    Every value keeps its origin: "aiida-osc data show FILE --molecule INCHIKEY" tells it. From .h5 files to a .h5 file
    the rows are streamed, so sets may be larger than the memory.
    """
    from aiida_osc.cli.merging import merge_settings, merge_to_file, merge_to_node

    settings = merge_settings(tolerances)
    if out:
        merge_to_file(identifiers, out, settings, conflicts, lambda item: open_molecules(item, profile, level))
        return
    load_osc_profile(profile)
    node = merge_to_node(identifiers, settings, conflicts, level)
    node.label = label
    _announce(node)


def _announce(node):
    click.echo(f'pk {node.pk}, uuid {node.uuid}: {node.count} molecules')
