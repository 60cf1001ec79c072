"""``aiida-osc generate``."""

import csv
import re
from pathlib import Path
from typing import Any

import click

from aiida_osc.cli.common import ModelName, is_file, profile_option, seed_option

#: How a molecule came about: number of its decoding, what made its latent vector, the parents, the family aimed at.
ORIGIN = ('attempt', 'how', 'parents', 'aim', 'inside')


@click.command()
@click.option(
    '--model',
    type=ModelName(),
    required=True,
    metavar='NAME|FOLDER|NODE',
    help='A finished generator, such as generator, which comes with the package.',
)
@click.option('-n', '--count', type=click.IntRange(1), default=100, show_default=True, help='Molecules wanted.')
@click.option('--out', type=click.Path(dir_okay=False), metavar='CSV', help='File to write; needed for a FOLDER.')
@click.option(
    '--window',
    'windows',
    multiple=True,
    metavar='[FAMILY=]TARGET:LOW:HIGH',
    help='Predicted property; repeat. Each FAMILY, such as p_type and n_type, gets an equal share.',
)
@click.option('--keep-outside', is_flag=True, help='Lead molecules to the windows but keep those that miss them.')
@click.option(
    '--strategy',
    type=click.Choice(['prior', 'around', 'between', 'mixed', 'ascent']),
    default='mixed',
    show_default=True,
    help='Where latent vectors come from: the prior, around known molecules, between two of them, prior and around in '
    'equal shares, or an ascent on the predictions of a surrogate.',
)
@click.option('--around', metavar='FILE', help='SMILES of the molecules to start from; those of the training if none.')
@click.option('--surrogate', metavar='FOLDER|NODE', help='Scores the molecules of an ascent.')
@click.option(
    '--objective',
    'objectives',
    multiple=True,
    metavar='[FAMILY=]TARGET:min|max',
    help='What the ascent looks for; repeat. By default those of campaigns, p_type and n_type.',
)
@click.option('--noise', type=click.FloatRange(0), default=0.7, show_default=True, help='Move around known molecules.')
@click.option('--temperature', type=click.FloatRange(0), default=0.8, show_default=True, help='0: likeliest choices.')
@click.option('--max-heavy-atoms', type=click.IntRange(1), default=40, show_default=True, help='Largest molecule.')
@click.option('--max-sa-score', type=click.FloatRange(1, 10), default=6.0, show_default=True, help='Hardest to make.')
@click.option('--require', multiple=True, metavar='SMARTS', help='Substructure or scaffold that must be there; repeat.')
@click.option('--forbid', multiple=True, metavar='SMARTS', help='Substructure that must not be there; repeat.')
@click.option('--strained', is_flag=True, help='Keep molecules with strained rings.')
@click.option('--reactive', is_flag=True, help='Keep molecules with reactive groups.')
@click.option('--max-attempts', type=click.IntRange(1), default=20, show_default=True, help='Per wanted molecule.')
@click.option('--exclude', metavar='FILE|NODE', help='Molecules that must not come again.')
@seed_option
@profile_option
def generate(
    model: str,
    count: int,
    out: str | None,
    exclude: str | None,
    surrogate: str | None,
    seed: int,
    profile: str | None,
    **options,
):
    """Sample new molecules: valid, unique, and neither in the training set nor excluded.

    A model FOLDER needs no profile. With a node, the molecules are stored as a node with their provenance. What was
    left out is counted by reason; a request that nothing can meet ends with a reason and exit status 1.
    """
    from aiida_osc.errors import OscError

    if out is not None and not Path(out).resolve().parent.is_dir():
        raise OscError(f'{Path(out).parent} is no folder: make it, or write elsewhere')
    values, objectives = read_options(count=count, **options)
    if all(is_file(name) for name in (model, exclude, surrogate) if name is not None):
        if out is None:
            raise OscError('say with --out which CSV file to write')
        molecules, report, origins = _sample_files(model, values, seed, exclude, surrogate, objectives)
    else:
        molecules, report, origins = _sample_nodes(model, values, seed, exclude, surrogate, objectives, profile)
    _tell(report)
    if not len(molecules):
        raise OscError(report['reason'])
    if out is not None:
        write_molecules(molecules, out, origins)
        click.echo(f'written: {out}')
    click.echo(f'{report["returned"]} new molecules of {report["requested"]} wanted, in {report["attempts"]} attempts')


def read_options(
    windows: tuple[str, ...], objectives: tuple[str, ...], around: str | None, require: tuple[str, ...],
    forbid: tuple[str, ...], **values: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """Return the settings of the sampling, and those of the selection where objectives are given.

    :raises OscError: when an option has another form.
    """
    from aiida_osc.generator.sample_settings import ANY

    families: dict[str, dict[str, list[float]]] = {}
    for family, window in map(split_family, windows):
        families.setdefault(family or ANY, {}).update([parse_window(window)])
    goals: dict[str, list[dict[str, str]]] = {}
    for family, text in map(split_family, objectives):
        target, _, direction = text.rpartition(':')
        goals.setdefault(family or ANY, []).append({'target': target, 'direction': direction})
    settings = {
        **values,
        'families': families or None,
        'around': None if around is None else _read_smiles(around),
        'require': list(require) or None,
        'forbid': list(forbid) or None,
    }
    return settings, {'objectives': goals} if goals else {}


def split_family(text: str) -> tuple[str, str]:
    """Return family and rest of ``FAMILY=REST``; the family is empty where none is given."""
    found = re.match(r'(\w+)=(.*)', text)
    return (found[1], found[2]) if found else ('', text)


def parse_window(text: str) -> tuple[str, list[float]]:
    """Return the target or column, and the bounds, of ``TARGET:LOW:HIGH``.

    :raises OscError: when the text has another form.
    """
    from aiida_osc.errors import OscError

    name, *bounds = text.rsplit(':', 2)
    try:
        low, high = (float(bound) for bound in bounds)
    except ValueError:
        raise OscError(f'window {text!r}: write TARGET:LOW:HIGH, such as ie_adiabatic:5.0:5.6') from None
    return name, [low, high]


def _read_smiles(path: str) -> list[str]:
    """Return the molecules of a file to sample around.

    :raises OscError: when it is missing or holds none that can be treated.
    """
    from aiida_osc.cli.training import read_file
    from aiida_osc.errors import OscError

    if not is_file(path):
        raise OscError(f'--around {path}: give a file with SMILES')
    return list(read_file(path, level='not read').smiles)


def _tell(report: dict[str, Any]) -> None:
    """Say on standard error what was left out, and what lies in the windows."""
    for text, reason in report['left_out'].items():
        click.echo(f'not sampled around: {text}: {reason}', err=True)
    for reason, number in report['rejected'].items():
        click.echo(f'left out: {number} x {reason}', err=True)
    for family, counts in report['families'].items():
        click.echo(
            f'{family}: {counts["inside"]} inside the windows by prediction, {counts["aimed"]} led there', err=True
        )
    shares = ', '.join(f'{100 * report[name]:.1f} % {name}' for name in ('valid', 'unique', 'new'))
    click.echo(f'of the decodings {shares}', err=True)
    if report['reason'] and report['returned']:
        click.echo(report['reason'], err=True)


def write_molecules(table, path: str, origins: dict[str, Any]) -> None:
    """Write SMILES, InChIKey, source and columns as CSV, and how each molecule came about.

    :raises OscError: when the file cannot be written.
    """
    from aiida_osc.datasets.export import escape_cell
    from aiida_osc.errors import OscError

    columns = {str(column): values for column, values in table.columns.items()}
    try:
        with Path(path).open('w', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(['smiles', 'inchikey', 'source', *columns, *ORIGIN])
            for row, texts in enumerate(zip(table.smiles, table.inchikeys, table.source, strict=True)):
                entry = origins[table.inchikeys[row]]
                numbers = (f'{values[row]:.6g}' for values in columns.values())
                writer.writerow([*map(escape_cell, texts), *numbers, *(_cell(entry.get(name, '')) for name in ORIGIN)])
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception}') from None


def _cell(value: Any) -> str:
    from aiida_osc.datasets.export import escape_cell

    return escape_cell(' '.join(value) if isinstance(value, list) else str(value))


def _sample_files(model: str, values: dict, seed: int, exclude: str | None, surrogate: str | None, objectives: dict):
    from aiida_osc.active_learning.propose import propose_molecules
    from aiida_osc.active_learning.settings import SelectionSettings
    from aiida_osc.generator.generator import Generator
    from aiida_osc.generator.sample_settings import SampleSettings
    from aiida_osc.surrogate.surrogate import Surrogate
    from aiida_osc.training.artifact import ModelArtifact

    keys = ()
    if exclude is not None:
        from aiida_osc.cli.training import read_file

        keys = read_file(exclude, level='not read').inchikeys
    result = propose_molecules(
        Generator.from_artifact(ModelArtifact.load(model)),
        SampleSettings.from_dict(values),
        seed=seed,
        exclude=keys,
        surrogate=None if surrogate is None else Surrogate.from_artifact(ModelArtifact.load(surrogate)),
        selection=SelectionSettings.from_dict(objectives),
    )
    return result.molecules, result.report, result.origins


def _sample_nodes(
    model: str, values: dict, seed: int, exclude: str | None, surrogate: str | None, objectives: dict,
    profile: str | None,
):  # fmt: skip
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida.orm import Dict, Int

    from aiida_osc.calculations.functions.sample_molecules import sample_molecules
    from aiida_osc.cli.labelling import read_molecules
    from aiida_osc.cli.training import find_model

    given = {} if exclude is None else {'excluded': read_molecules(exclude, store=True)}
    given |= {} if surrogate is None else {'surrogate': find_model(surrogate)}
    given |= {'selection': Dict(objectives)} if objectives else {}
    outputs = sample_molecules(find_model(model), Dict(values), Int(seed), **given)
    for name, node in outputs.items():
        click.echo(f'{name}: node {node.pk}, uuid {node.uuid}')
    molecules, report, origins = (outputs[name] for name in ('molecules', 'report', 'origins'))
    return molecules.load(), report.get_dict(), origins.get_dict()['molecules']
