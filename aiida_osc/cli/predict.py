"""``aiida-osc predict``."""

import os
from pathlib import Path

import click

from aiida_osc.cli.common import is_file, profile_option


@click.command()
@click.argument('molecules', metavar='FILE|NODE')
@click.option('--model', required=True, metavar='FOLDER|NODE', help='A finished surrogate.')
@click.option('--out', type=click.Path(dir_okay=False), metavar='CSV', help='File to write; needed for a FILE.')
@click.option(
    '--confidence',
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help='Probability that the value lies between low and high.',
)
@click.option(
    '--similarity/--no-similarity',
    default=True,
    show_default=True,
    help='Search the nearest training molecule, which the domain flag then asks for too.',
)
@click.option(
    '--as-is',
    is_flag=True,
    help='Predict each molecule of a FILE as it is written: not standardised, no InChIKey, repetitions kept; faster.',
)
@click.option(
    '--jobs',
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default='one for each CPU',
    help='Processes that read and predict the molecules of a FILE.',
)
@click.option(
    '--progress/--no-progress',
    default=None,
    help='Say on standard error how many molecules are done; by default on a terminal.',
)
@click.option('--level', help='Level of theory of columns in FILE, for models that start from a cheaper level.')
@click.option(
    '--geometries', metavar='FILE|NODE', help='Structures for models that read them: .h5, .sdf, a folder, a node.'
)
@profile_option
def predict(
    molecules: str,
    model: str,
    out: str | None,
    confidence: float,
    similarity: bool,
    as_is: bool,
    jobs: int,
    progress: bool | None,
    level: str | None,
    geometries: str | None,
    profile: str | None,
):
    """Predict properties: mean, calibrated standard deviation and interval of every column, and a domain flag.

    The interval from low to high is conformal: it held the promised share of the labels that calibrated the model,
    whatever the shape of its errors. The flag in_domain is false for kinds of atoms or bonds that the model never saw,
    and for molecules farther from the training molecules than these are from each other.

    A model FOLDER and a FILE of molecules need no profile. A FILE of any length is read, predicted and written a part
    at a time, to OUT.part until all is done; a row that is no molecule is reported and left out. When either is a node,
    the prediction is stored as nodes.
    """
    from aiida_osc.errors import OscError

    if out is not None and not Path(out).resolve().parent.is_dir():
        raise OscError(f'{Path(out).parent} is no folder: make it, or write elsewhere')
    from aiida_osc.surrogate.screening import Way

    way = Way(confidence, similarity, as_is)
    if is_file(molecules) and is_file(model):
        if out is None:
            raise OscError('say with --out which CSV file to write')
        from aiida_osc.cli.screening import predict_file
        from aiida_osc.cli.sets import open_structures

        structures = None if geometries is None else open_structures(geometries, profile)
        predict_file(molecules, model, out, way, level, structures, jobs, progress)
        return
    if as_is:
        raise OscError('molecules of a node are standardised already: leave out --as-is')
    _predict_nodes(molecules, model, out, way, geometries, progress, profile)


def _predict_nodes(
    molecules: str, model: str, out: str | None, way, geometries: str | None, progress: bool | None, profile: str | None
):
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida_osc.calculations.functions.predict import predict as predict_function
    from aiida_osc.cli.labelling import read_molecules
    from aiida_osc.cli.screening import write_answers
    from aiida_osc.cli.sets import structures_node
    from aiida_osc.cli.training import find_model
    from aiida_osc.surrogate.screening import screen_table

    model_node, molecule_node = find_model(model), read_molecules(molecules, store=True)
    given = {} if geometries is None else {'geometries': structures_node(geometries)}
    for name, node in predict_function(model_node, molecule_node, **given).items():
        click.echo(f'{name}: node {node.pk}, uuid {node.uuid}')
    if out:
        surrogate, table = model_node.load(), molecule_node.load()
        structures = given['geometries'].load() if given else None
        write_answers(out, surrogate, screen_table(surrogate, table, way, structures), len(table), progress)
