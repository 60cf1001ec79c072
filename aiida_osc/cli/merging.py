"""What ``aiida-osc data merge`` does: sets in, their union and what differs out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from aiida_osc.cli.common import is_file
from aiida_osc.errors import OscError


def merge_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return the settings that ``--tolerance NUMBER`` and ``--tolerance TARGET=NUMBER`` give.

    :raises OscError: when a text has another form, or names an unknown target.
    """
    from aiida_osc.datasets.merge import MergeSettings

    values: dict[str, Any] = {}
    for text in texts:
        target, separator, number = text.rpartition('=')
        try:
            value = float(number)
        except ValueError:
            raise OscError(f'--tolerance {text!r}: write NUMBER or TARGET=NUMBER, in canonical units') from None
        if separator:
            values.setdefault('tolerances', {})[target] = value
        else:
            values['tolerance'] = value
    MergeSettings.from_dict(values)
    return values


def merge_to_file(
    identifiers: Sequence[str], out: str, settings: dict[str, Any], conflicts: str | None, read: Callable[[str], Any]
) -> None:
    """Write the union of files and nodes; HDF5 files are streamed into an HDF5 file, so that millions of rows fit.

    :param conflicts: CSV file for the values that differ.
    :param read: returns the table of an identifier that is no HDF5 file.
    :raises OscError: when a set cannot be read or a file not be written.
    """
    from aiida_osc.datasets.export import export_table
    from aiida_osc.datasets.merge import MergeSettings, merge_files, merge_tables

    options = MergeSettings.from_dict(settings)
    streamed = Path(out).suffix.lower() == '.h5'
    tables: dict[str, Any] = {}
    for number, identifier in enumerate(identifiers):
        if streamed and is_file(identifier) and Path(identifier).suffix.lower() in ('.h5', '.hdf5'):
            tables[f'{number}: {identifier}'] = identifier
            continue
        tables[f'{number}: {identifier}'] = read(identifier)
    with _csv(conflicts) as handle:
        if streamed:
            report = merge_files(tables, out, options, conflicts=handle)
        else:
            result = merge_tables(tables, options, conflicts=handle)
            report = result.report
            export_table(result.table, out)
    tell_merge(report.to_dict(), identifiers)
    click.echo(f'{report.molecules} records written to {out}', err=True)


def merge_to_node(identifiers: Sequence[str], settings: dict[str, Any], conflicts: str | None, level: str | None):
    """Return the stored union of nodes and files, each file imported first.

    :param conflicts: CSV file for the values that differ, which the process has as a node, too.
    """
    from aiida.orm import Dict

    from aiida_osc.calculations.functions.merge import merge
    from aiida_osc.cli.sets import molecule_node

    inputs: dict[str, Any] = {
        f'set_{number:03d}': molecule_node(item, level) for number, item in enumerate(identifiers)
    }
    if settings:
        inputs['settings'] = Dict(settings)
    outputs = merge(**inputs)
    tell_merge(outputs['report'].get_dict(), identifiers)
    if conflicts:
        with _csv(conflicts) as handle:
            handle.write(outputs['conflicts'].get_content() if 'conflicts' in outputs else _no_conflict())
    return outputs['molecules']


def tell_merge(report: dict[str, Any], identifiers: Sequence[str]) -> None:
    """Say what each set added, and how many of its values differ from those of earlier sets, by column."""
    for (name, added), identifier in zip(report['added'].items(), identifiers, strict=True):
        differing = report['differing'].get(name, {})
        click.echo(
            f'{identifier}: {added} new molecules, {sum(differing.values())} values differ from earlier sets', err=True
        )
        for column, count in differing.items():
            click.echo(f'  {column}: {count} differ; the earlier ones are kept', err=True)


@contextmanager
def _csv(path: str | None) -> Iterator[Any]:
    """Open a CSV file for writing, None for none."""
    try:
        with nullcontext() if path is None else Path(path).open('w', newline='', encoding='utf-8') as handle:
            yield handle
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception}') from None


def _no_conflict() -> str:
    import io

    from aiida_osc.datasets.conflicts import ConflictLog

    handle = io.StringIO(newline='')
    ConflictLog(handle)
    return handle.getvalue()
