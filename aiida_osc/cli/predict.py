"""``aiida-osc predict``."""

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
    level: str | None,
    geometries: str | None,
    profile: str | None,
):
    """Predict properties: mean, calibrated standard deviation and interval of every column, and a domain flag.

    The interval from low to high is conformal: it held the promised share of the labels that calibrated the model,
    whatever the shape of its errors. The flag in_domain is false for kinds of atoms or bonds that the model never saw,
    and for molecules farther from the training molecules than these are from each other.

    A model FOLDER and a FILE of molecules need no profile. When either is a node, the prediction is stored as nodes.
    """
    from aiida_osc.errors import OscError

    if out is not None and not Path(out).resolve().parent.is_dir():
        raise OscError(f'{Path(out).parent} is no folder: make it, or write elsewhere')
    if is_file(molecules) and is_file(model):
        if out is None:
            raise OscError('say with --out which CSV file to write')
        from aiida_osc.cli.sets import open_structures
        from aiida_osc.cli.training import read_file
        from aiida_osc.surrogate.surrogate import Surrogate
        from aiida_osc.training.artifact import ModelArtifact

        # Labels in the file are not read but by models that start from some, so it need not say their level.
        table = read_file(molecules, level or 'not read')
        structures = None if geometries is None else open_structures(geometries, profile)
        _write(Surrogate.from_artifact(ModelArtifact.load(model)), table, out, confidence, similarity, structures)
        return
    _predict_nodes(molecules, model, out, confidence, similarity, geometries, profile)


def _predict_nodes(
    molecules: str,
    model: str,
    out: str | None,
    confidence: float,
    similarity: bool,
    geometries: str | None,
    profile: str | None,
) -> None:
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida_osc.calculations.functions.predict import predict as predict_function
    from aiida_osc.cli.labelling import read_molecules
    from aiida_osc.cli.sets import structures_node
    from aiida_osc.cli.training import find_model

    model_node, molecule_node = find_model(model), read_molecules(molecules, store=True)
    given = {} if geometries is None else {'geometries': structures_node(geometries)}
    for name, node in predict_function(model_node, molecule_node, **given).items():
        click.echo(f'{name}: node {node.pk}, uuid {node.uuid}')
    if out:
        structures = given['geometries'].load() if given else None
        _write(model_node.load(), molecule_node.load(), out, confidence, similarity, structures)


def _write(surrogate, table, out: str, confidence: float, similarity: bool, structures) -> None:
    from aiida_osc.errors import OscError
    from aiida_osc.surrogate.tables import predict_molecules, prediction_csv

    prediction = predict_molecules(surrogate, table, similarity=similarity, structures=structures)
    try:
        Path(out).write_text(prediction_csv(table, prediction, confidence))
    except OSError as exception:
        raise OscError(f'{out} cannot be written: {exception}') from None
    if prediction.has_structure is not None and not prediction.has_structure.all():
        missing = int((~prediction.has_structure).sum())
        click.echo(f'{missing} molecules without a structure, predicted by the graph members alone', err=True)
    outside = int((~prediction.in_domain).sum())
    if outside:
        click.echo(f'{outside} molecules lie outside the domain of the model', err=True)
    click.echo(f'written: {out}, {len(table)} molecules')
