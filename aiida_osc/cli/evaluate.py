"""``aiida-osc evaluate``."""

from pathlib import Path

import click

from aiida_osc.cli.common import is_file, profile_option


@click.command()
@click.argument('molecules', metavar='FILE|NODE...', nargs=-1, required=True)
@click.option('--model', required=True, metavar='FOLDER|NODE', help='A finished surrogate.')
@click.option('--out', required=True, type=click.Path(dir_okay=False), metavar='HTML', help='Page to write.')
@click.option('--level', help='Level of theory of columns in FILE that do not say theirs.')
@profile_option
def evaluate(molecules: tuple[str, ...], model: str, out: str, level: str | None, profile: str | None):
    """Compare predictions with labels: errors, calibration, coverage of the intervals, and plots, on one HTML page.

    Give several FILEs or NODEs, such as the parts of different splits, to see them side by side. A model FOLDER and
    FILEs need no profile. The figures of a NODE are stored as a node when the model is one too.
    """
    from aiida_osc.errors import OscError
    from aiida_osc.report.evaluation import LabelledSet, render_evaluation
    from aiida_osc.surrogate.surrogate import Surrogate
    from aiida_osc.surrogate.tables import predict_molecules

    if not Path(out).resolve().parent.is_dir():
        raise OscError(f'{Path(out).parent} is no folder: make it, or write elsewhere')
    files = {name: is_file(name) for name in (model, *molecules)}
    if not all(files.values()):
        from aiida_osc.cli.common import load_osc_profile

        load_osc_profile(profile)
    artifact, model_node = _find_model(model, files[model])
    surrogate = Surrogate.from_artifact(artifact)
    sets = []
    for name in molecules:
        table = _read(name, files[name], level, model_node)
        sets.append(LabelledSet(Path(name).name, table, predict_molecules(surrogate, table)))
    page = render_evaluation(Path(model).name, artifact.config['training'], sets)
    try:
        Path(out).write_text(page, encoding='utf-8')
    except OSError as exception:
        raise OscError(f'{out} cannot be written: {exception}') from None
    _say(sets)
    click.echo(f'written: {out}')


def _find_model(model: str, on_disk: bool):
    """Return the artifact of a model, and its node when it is one."""
    from aiida_osc.training.artifact import ModelArtifact

    if on_disk:
        return ModelArtifact.load(model), None
    from aiida_osc.cli.training import find_model

    node = find_model(model)
    return node.artifact(), node


def _read(name: str, on_disk: bool, level: str | None, model_node):
    """Return a labelled table; the figures of a node are stored when the model is a node too."""
    if on_disk:
        from aiida_osc.cli.training import read_file

        return read_file(name, level)
    from aiida_osc.calculations.functions.evaluate import evaluate as evaluate_function
    from aiida_osc.cli.labelling import read_molecules

    node = read_molecules(name, store=True)
    if model_node is not None:
        metrics = evaluate_function(model_node, node)['metrics']
        click.echo(f'metrics of {name}: node {metrics.pk}, uuid {metrics.uuid}')
    return node.load()


def _say(sets) -> None:
    from aiida_osc.surrogate.evaluate import evaluate as evaluate_prediction

    for item in sets:
        for column, groups in evaluate_prediction(item.prediction, item.table).items():
            for group, values in groups.items():
                figures = ', '.join(f'{name.upper()} {values[name]:.4f}' for name in ('mae', 'rmse', 'nll', 'crps'))
                covered = f'{100 * values["coverage_90"]:.0f} % in the 90 % interval'
                click.echo(f'{item.name}, {column}, {group}: {figures}, {covered}, n = {values["n"]}')
