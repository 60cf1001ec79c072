"""``aiida-osc generate``."""

import csv
from pathlib import Path

import click

from aiida_osc.cli.common import is_file, profile_option, seed_option


@click.command()
@click.option('--model', required=True, metavar='FOLDER|NODE', help='A finished generator.')
@click.option('-n', '--count', type=click.IntRange(1), default=100, show_default=True, help='Molecules wanted.')
@click.option('--out', type=click.Path(dir_okay=False), metavar='CSV', help='File to write; needed for a FOLDER.')
@click.option('--window', 'windows', multiple=True, metavar='TARGET:LOW:HIGH', help='Predicted property; repeat.')
@click.option(
    '--strategy',
    type=click.Choice(['prior', 'around', 'mixed']),
    default='mixed',
    show_default=True,
    help='Where latent vectors come from: the prior, around known molecules, or both.',
)
@click.option('--noise', type=click.FloatRange(0), default=0.7, show_default=True, help='Move around known molecules.')
@click.option('--temperature', type=click.FloatRange(0), default=0.8, show_default=True, help='0: likeliest choices.')
@click.option('--max-heavy-atoms', type=click.IntRange(1), default=40, show_default=True, help='Largest molecule.')
@click.option('--exclude', metavar='FILE|NODE', help='Molecules that must not come again.')
@seed_option
@profile_option
def generate(
    model: str,
    count: int,
    out: str | None,
    windows: tuple[str, ...],
    exclude: str | None,
    seed: int,
    profile: str | None,
    **options,
):
    """Sample new molecules: valid, unique, and neither in the training set nor excluded.

    A model FOLDER needs no profile. With a node, the molecules are stored as a node with their provenance.
    """
    from aiida_osc.errors import OscError

    if out is not None and not Path(out).resolve().parent.is_dir():
        raise OscError(f'{Path(out).parent} is no folder: make it, or write elsewhere')
    values = {'count': count, 'windows': dict(map(parse_window, windows)), **options}
    if is_file(model) and (exclude is None or is_file(exclude)):
        if out is None:
            raise OscError('say with --out which CSV file to write')
        molecules, report = _sample_files(model, values, seed, exclude)
    else:
        molecules, report = _sample_nodes(model, values, seed, exclude, profile)
    for reason, number in report['rejected'].items():
        click.echo(f'left out: {number} x {reason}', err=True)
    if out is not None:
        write_molecules(molecules, out)
        click.echo(f'written: {out}')
    click.echo(f'{report["returned"]} new molecules of {report["requested"]} wanted, in {report["attempts"]} attempts')


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


def write_molecules(table, path: str) -> None:
    """Write SMILES, InChIKey, source and columns as CSV.

    :raises OscError: when the file cannot be written.
    """
    from aiida_osc.errors import OscError

    columns = {str(column): values for column, values in table.columns.items()}
    try:
        with Path(path).open('w', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(['smiles', 'inchikey', 'source', *columns])
            for row, texts in enumerate(zip(table.smiles, table.inchikeys, table.source, strict=True)):
                writer.writerow([*texts, *(f'{values[row]:.6g}' for values in columns.values())])
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception}') from None


def _sample_files(model: str, values: dict, seed: int, exclude: str | None):
    from aiida_osc.generator.generator import Generator
    from aiida_osc.generator.sample_settings import SampleSettings
    from aiida_osc.training.artifact import ModelArtifact

    keys = ()
    if exclude is not None:
        from aiida_osc.cli.training import read_file

        keys = read_file(exclude, level='not read').inchikeys
    generator = Generator.from_artifact(ModelArtifact.load(model))
    result = generator.sample(SampleSettings.from_dict(values), seed=seed, exclude=keys)
    return result.molecules, result.report


def _sample_nodes(model: str, values: dict, seed: int, exclude: str | None, profile: str | None):
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida.orm import Dict, Int

    from aiida_osc.calculations.functions.sample_molecules import sample_molecules
    from aiida_osc.cli.labelling import read_molecules
    from aiida_osc.cli.training import find_model

    excluded = {} if exclude is None else {'excluded': read_molecules(exclude, store=True)}
    outputs = sample_molecules(find_model(model), Dict(values), Int(seed), **excluded)
    for name, node in outputs.items():
        click.echo(f'{name}: node {node.pk}, uuid {node.uuid}')
    return outputs['molecules'].load(), outputs['report'].get_dict()
