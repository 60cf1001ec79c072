"""What ``aiida-osc data import`` does, for other commands that take a file where they need a node."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from aiida_osc.errors import OscError

#: Rejected rows that are printed; all of them are in the report node and in the file of --rejected.
SHOWN = 10


@contextmanager
def input_file(
    path: str | None, source: str | None, sample: int | None = None, seed: int = 0
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the file to import and the settings that belong to it.

    :raises OscError: when neither a path nor a source is given, or the source needs or has no file.
    """
    from aiida_osc.datasets.sources.fetch import source_file

    if source is not None:
        with source_file(source, path, sample=sample, seed=seed) as prepared:
            yield prepared
    elif path is None:
        raise OscError('give a file, or a known data set with --source (aiida-osc data sources lists them)')
    else:
        yield Path(path), {} if sample is None else {'sample': sample, 'seed': seed}


def import_as_node(
    *,
    path: str | None = None,
    source: str | None = None,
    settings: dict[str, Any] | None = None,
    label: str = '',
    sample: int | None = None,
    seed: int = 0,
    rejected: str | None = None,
):
    """Import a file or source through ``osc.import_molecules`` in the loaded profile; return the molecule set.

    :param settings: keyword arguments of ``aiida_osc.datasets.readers.read_table``.
    :param rejected: CSV file for the rows that were left out.
    :raises OscError: when nothing could be imported.
    """
    from aiida.orm import Dict, SinglefileData

    from aiida_osc.calculations.functions.import_molecules import import_molecules
    from aiida_osc.datasets.import_report import ImportReport

    with input_file(path, source, sample, seed) as (prepared, own):
        if not prepared.is_file():
            raise OscError(f'file {prepared} does not exist')
        file = SinglefileData(prepared.resolve(), filename=prepared.name, label=prepared.name)
        outputs, process = import_molecules.run_get_node(file=file, settings=Dict({**own, **(settings or {})}))
    if outputs is None or not process.is_finished_ok:
        import_as_table(path, source, settings or {}, sample, seed, rejected)  # says which rows were bad, and why
        raise OscError(f'{process.exit_message}')
    tell(ImportReport.from_dict(outputs['report'].get_dict()), rejected)
    node = outputs['molecules']
    node.label = label or source or prepared.name
    return node


def import_as_table(
    path: str | None, source: str | None, settings: dict[str, Any], sample: int | None, seed: int, rejected: str | None
):
    """Import a file or source without a profile; return the plain table.

    :raises OscError: when nothing could be imported.
    """
    from aiida_osc.datasets.readers import read_with_settings

    with input_file(path, source, sample, seed) as (prepared, own):
        result = read_with_settings(prepared, {**own, **settings})
    tell(result.report, rejected)
    refuse_empty(result.report)
    return result.table


def refuse_empty(report) -> None:
    """Refuse a file of which nothing is left.

    :raises OscError: with the reason of its first row.
    """
    if not report.accepted:
        first = report.rejected[0]
        raise OscError(f'no row gives a molecule; the first, line {first.line}: {first.reason}')


def tell(report, rejected: str | None = None) -> None:
    """Say on standard error what became of the rows; write the left-out ones to ``rejected``."""
    left_out = f'rejected: {len(report.rejected)}; duplicates: {len(report.duplicates)}'
    _say(f'{report.accepted} molecules from {report.rows} rows; {left_out}, {len(report.conflicts)} with other values')
    for header in report.unclear:
        _say(f'column {header!r} left out: it does not say its unit; map it with --column "{header}=target:unit"')
    for reason in dict.fromkeys(report.left_out.values()):
        names = [name for name, why in report.left_out.items() if why == reason]
        _say(f'not read, {reason}: {", ".join(names)}')
    for note in report.notes:
        _say(note)
    _tell_list([f'line {item.line}: {item.text}: {item.reason}' for item in report.rejected])
    _tell_list([f'line {item.line}, {item.column}: {item.text}: {item.reason}' for item in report.refused_values])
    _tell_list(
        [
            f'line {item.line}: same molecule as line {item.first_line}, other value of {", ".join(item.conflicts)}; '
            'the first is kept'
            for item in report.conflicts
        ],
    )
    if rejected:
        try:
            report.write_rejected(rejected)
        except OSError as exception:
            raise OscError(f'{rejected} cannot be written: {exception}') from None
        _say(f'left-out rows written to {rejected}')


def _say(text: str) -> None:
    click.echo(text, err=True)


def _tell_list(lines: list[str]) -> None:
    for line in lines[:SHOWN]:
        _say(f'  {line}')
    if len(lines) > SHOWN:
        _say(f'  ... and {len(lines) - SHOWN} more (aiida-osc data import --rejected FILE writes all)')
