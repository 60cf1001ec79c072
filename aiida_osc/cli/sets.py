"""Molecule and geometry sets that a command is given as a file or as a node."""

from pathlib import Path

import click

from aiida_osc.cli.common import is_file, load_osc_node, load_osc_profile
from aiida_osc.errors import OscError

OUT_HELP = 'Write a file (.h5, .csv or .sdf) instead of storing a node; needs no profile.'
level_option = click.option('--level', metavar='LEVEL', help='Level of theory of the columns that do not say theirs.')
label_option = click.option('--label', metavar='TEXT', default='', help='Label of the stored node.')


def open_set(identifier, profile, level=None):
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


def open_molecules(identifier, profile, level=None):
    """Return the plain molecule table of a file or node.

    :raises OscError: when it holds geometries.
    """
    from aiida_osc.datasets.molecule_table import MoleculeTable

    table = open_set(identifier, profile, level)
    if not isinstance(table, MoleculeTable):
        raise OscError(f'{identifier} holds geometries: give a molecule set')
    return table


def open_structures(identifier, profile):
    """Return the plain geometry table of a .h5 file, an SD file, a folder with some, or a node.

    :raises OscError: when it holds molecules without structures.
    """
    from aiida_osc.datasets.geometry_table import GeometryTable

    if is_file(identifier) and (Path(identifier).is_dir() or Path(identifier).suffix == '.sdf'):
        return _collect(identifier)
    table = open_set(identifier, profile)
    if not isinstance(table, GeometryTable):
        raise OscError(f'{identifier} holds no structures: give a geometry set, as aiida-osc geometries makes one')
    return table


def _collect(path):
    from aiida_osc.datasets.geometry_sources import collect_structures, folder_structures

    found = collect_structures(folder_structures(path), level='unknown', source=Path(path).name)
    if found.rejected:
        name, reason = found.rejected[0]
        click.echo(f'{len(found.rejected)} structures left out, the first: {name}: {reason}', err=True)
    return found.geometries


def structures_node(identifier):
    """Return the geometry set node of that name, or a new one with the structures of a file."""
    from aiida_osc.data.geometry_set import GeometrySetData

    if is_file(identifier):
        return GeometrySetData(open_structures(identifier, None), label=Path(identifier).name)
    return load_osc_node(identifier, GeometrySetData)


def molecule_node(identifier, level=None):
    """Return the molecule set node of that name; a file is imported first, in the loaded profile."""
    from aiida_osc.cli.importing import import_as_node
    from aiida_osc.data.molecule_set import MoleculeSetData

    if is_file(identifier):
        return import_as_node(path=identifier, settings={'level': level} if level else {})
    return load_osc_node(identifier, MoleculeSetData)


def run_function(function, **inputs):
    """Run a calcfunction and return its outputs.

    :raises OscError: with its message, when it gives none.
    """
    outputs, process = function.run_get_node(**inputs)
    if not process.is_finished_ok:
        raise OscError(str(process.exit_message))
    return outputs


def write_set(table, out, origins=False):
    """Write a table in the format of the suffix of ``out``, and say so.

    :param origins: whether CSV says which set each value comes from.
    """
    from aiida_osc.datasets.export import export_table

    export_table(table, out, origins=origins)
    click.echo(f'{len(table)} records written to {out}', err=True)


def _is_text(identifier):
    return not identifier.lower().endswith(('.h5', '.hdf5'))
