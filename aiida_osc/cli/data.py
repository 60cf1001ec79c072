"""``aiida-osc data``: data sets in, out and together."""

import click

from aiida_osc.cli.common import is_file, load_osc_node, load_osc_profile, profile_option, seed_option
from aiida_osc.cli.importing import import_as_node, import_as_table
from aiida_osc.cli.lazy import LazyGroup
from aiida_osc.datasets.sources.registry import names
from aiida_osc.errors import OscError

__all__ = ['data', 'import_as_node']

COMMANDS = {
    'archive': ('aiida_osc.cli.data_archive', 'archive', 'Write nodes as an archive with a manifest, or check one.'),
}
OUT_HELP = 'Write a file (.h5, .csv or .sdf) instead of storing a node; needs no profile.'
level_option = click.option('--level', metavar='LEVEL', help='Level of theory of the columns that do not say theirs.')
label_option = click.option('--label', metavar='TEXT', default='', help='Label of the stored node.')


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
        _write(import_as_table(file, source, settings, sample, seed, rejected), out)
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

    table = _open(identifier, profile)
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
    _write(_open(identifier, profile, level=level), out, origins)


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
        merge_to_file(identifiers, out, settings, conflicts, lambda item: _open(item, profile, level=level))
        return
    load_osc_profile(profile)
    node = merge_to_node(identifiers, settings, conflicts, level)
    node.label = label
    _announce(node)


def _open(identifier, profile, level=None):
    """Return the plain table of a file, or of a node in the profile."""
    from aiida_osc.datasets.opening import UNSPECIFIED, open_table

    if is_file(identifier):
        return open_table(identifier, **({'level': level or UNSPECIFIED} if _is_text(identifier) else {}))
    load_osc_profile(profile)
    from aiida.orm import Data

    node = load_osc_node(identifier, Data)
    if not hasattr(node, '_prepare_csv') or not hasattr(node, 'load'):
        raise OscError(f'node {identifier} is a {type(node).__name__}: give a molecule or geometry set')
    return node.load()


def _is_text(identifier):
    return not identifier.lower().endswith(('.h5', '.hdf5'))


def _write(table, out, origins=False):
    from aiida_osc.datasets.export import export_table

    export_table(table, out, origins=origins)
    click.echo(f'{len(table)} records written to {out}', err=True)


def _announce(node):
    click.echo(f'pk {node.pk}, uuid {node.uuid}: {node.count} molecules')
