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
@profile_option
def predict(molecules: str, model: str, out: str | None, confidence: float, profile: str | None):
    """Predict properties: mean, calibrated standard deviation and interval of every column, and a domain flag.

    A model FOLDER and a FILE of molecules need no profile. When either is a node, the prediction is stored as nodes.
    """
    from aiida_osc.errors import OscError

    if out is not None and not Path(out).resolve().parent.is_dir():
        raise OscError(f'{Path(out).parent} is no folder: make it, or write elsewhere')
    if is_file(molecules) and is_file(model):
        if out is None:
            raise OscError('say with --out which CSV file to write')
        from aiida_osc.cli.training import read_file
        from aiida_osc.training.artifact import ModelArtifact
        from aiida_osc.training.registry import build

        # Labels in the file are not read, so it need not say their level.
        table = read_file(molecules, level='not read')
        _write(build(ModelArtifact.load(model)), table, out, confidence)
        return
    _predict_nodes(molecules, model, out, confidence, profile)


def _predict_nodes(molecules: str, model: str, out: str | None, confidence: float, profile: str | None) -> None:
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida_osc.calculations.functions.predict import predict as predict_function
    from aiida_osc.cli.labelling import read_molecules
    from aiida_osc.cli.training import find_model

    model_node, molecule_node = find_model(model), read_molecules(molecules, store=True)
    for name, node in predict_function(model_node, molecule_node).items():
        click.echo(f'{name}: node {node.pk}, uuid {node.uuid}')
    if out:
        _write(model_node.load(), molecule_node.load(), out, confidence)


def _write(surrogate, table, out: str, confidence: float) -> None:
    from aiida_osc.errors import OscError
    from aiida_osc.surrogate.ensemble import Surrogate
    from aiida_osc.surrogate.tables import prediction_csv

    if not isinstance(surrogate, Surrogate):
        raise OscError(f'this is a {type(surrogate).__name__.lower()}: give a surrogate')
    prediction = surrogate.predict(table.smiles)
    try:
        Path(out).write_text(prediction_csv(table, prediction, confidence))
    except OSError as exception:
        raise OscError(f'{out} cannot be written: {exception}') from None
    outside = int((~prediction.in_domain).sum())
    if outside:
        click.echo(f'{outside} molecules have kinds of atoms or bonds that the model never saw', err=True)
    click.echo(f'written: {out}, {len(table)} molecules')
