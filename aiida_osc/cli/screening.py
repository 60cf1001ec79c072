"""What ``aiida-osc predict`` does with files: read, predict and write a part at a time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from aiida_osc.errors import OscError

#: Where standard error is no terminal, progress is said this often.
STEPS = 10


def predict_file(
    molecules: str,
    model: str,
    out: str,
    way,
    level: str | None,
    structures,
    jobs: int,
    shown: bool | None,
) -> None:
    """Predict the molecules of a file with the surrogate of a folder.

    :param way: confidence, similarity and whether molecules are taken as they are.
    :param level: of columns that do not say theirs, for models that start from a cheaper level.
    :param structures: table of them for models that read them, or None.
    :param shown: whether progress is shown; None where standard error is a terminal.
    :raises OscError: when model or file cannot be used, or no molecule is left.
    """
    from aiida_osc.cli.importing import refuse_empty, tell
    from aiida_osc.cli.training import read_file
    from aiida_osc.datasets.readers import open_rows
    from aiida_osc.surrogate.screening import PART, screen_records, screen_table
    from aiida_osc.surrogate.surrogate import Surrogate
    from aiida_osc.training.artifact import ModelArtifact

    surrogate = Surrogate.from_artifact(ModelArtifact.load(model))
    by_inchikey = surrogate.finishing.delta is not None or structures is not None
    if by_inchikey and way.as_is:
        raise OscError('values and structures that a model starts from go by InChIKey: leave out --as-is')
    if by_inchikey or Path(molecules).suffix.lower() in ('.h5', '.hdf5'):
        # Labels in the file are not read but by models that start from some, so it need not say their level.
        table = read_file(molecules, level or 'not read')
        write_answers(out, surrogate, screen_table(surrogate, table, way, structures), len(table), shown)
        return
    records = open_rows(molecules).records
    count = sum(1 for _ in records)
    if not count:
        raise OscError(f'{Path(molecules).name} holds no molecule: give a file with at least one')
    jobs = min(jobs, -(-count // PART))
    answers = screen_records(Path(model), records, way, jobs)
    report = write_answers(out, surrogate, answers, count, shown)
    tell(report)
    refuse_empty(report)


def write_answers(out: str, surrogate, answers, count: int, shown: bool | None):
    """Write the CSV file as the answers come, and return the report on all rows.

    The rows lie in a file with ``.part`` after its name, which takes the name ``out`` when all are there.
    """
    from aiida_osc.datasets.import_report import Duplicate, ImportReport
    from aiida_osc.surrogate.tables import csv_header

    first: dict[str, int] = {}
    rejected, duplicates, written, outside, alone = [], [], 0, 0, 0
    part = Path(f'{out}.part')
    try:
        with part.open('w', encoding='utf-8', newline='') as handle, _progress(count, shown) as done:
            handle.write(csv_header(surrogate.columns))
            for item in answers:
                rejected.extend(item.rejected)
                for row in item.rows:
                    if row.inchikey and first.setdefault(row.inchikey, row.line) != row.line:
                        duplicates.append(Duplicate(row.line, first[row.inchikey], row.inchikey, ()))
                        continue
                    handle.write(row.text)
                    written += 1
                    outside += not row.in_domain
                    alone += not row.has_structure
                done(len(item.rows) + len(item.rejected))
        if written:
            part.replace(out)
        else:
            part.unlink()
    except OSError as exception:
        raise OscError(f'{out} cannot be written: {exception}') from None
    if alone:
        click.echo(f'{alone} molecules without a structure, predicted by the graph members alone', err=True)
    if outside:
        click.echo(f'{outside} molecules lie outside the domain of the model', err=True)
    if written:
        click.echo(f'written: {out}, {written} molecules')
    return ImportReport(count, written, {}, rejected=tuple(rejected), duplicates=tuple(duplicates))


@contextmanager
def _progress(count: int, shown: bool | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of molecules that were just done."""
    if not (sys.stderr.isatty() if shown is None else shown):
        yield lambda _: None
    elif sys.stderr.isatty():
        with click.progressbar(length=count, label='molecules', file=sys.stderr, show_pos=True) as bar:
            yield bar.update
    else:
        yield _lines(count)


def _lines(count: int) -> Callable[[int], None]:
    done = 0

    def add(number: int) -> None:
        nonlocal done
        before, done = done, done + number
        if before * STEPS // count < done * STEPS // count:
            click.echo(f'{done} of {count} molecules', err=True)

    return add
