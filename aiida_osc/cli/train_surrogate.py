"""``aiida-osc train surrogate``."""

from functools import partial

import click

from aiida_osc.cli.training import loop_settings, over_file, submit_training, training_options


@click.command('surrogate')
@training_options
@click.option('--column', 'columns', multiple=True, metavar='TARGET@LEVEL', help='Column to predict; repeat for more.')
@click.option(
    '--input',
    'inputs',
    multiple=True,
    metavar='TARGET@LEVEL',
    help='Column of a cheaper level that predictions start from; repeat for more.',
)
@click.option(
    '--family',
    type=click.Choice(['auto', 'mpnn', 'gp', 'boosting']),
    default='auto',
    show_default=True,
    help='Network, Gaussian processes, boosted trees, or what predicts best on molecules kept from training.',
)
@click.option('--members', type=click.IntRange(1), help='Ensemble members that read the graph.')
@click.option('--spatial-members', type=click.IntRange(0), help='Further members of the network that read structures.')
@click.option('--geometries', metavar='FILE|NODE', help='Structures for spatial members: .h5, .sdf, a folder, a node.')
def surrogate(
    data: str,
    out: str | None,
    start: str | None,
    level: str | None,
    seed: int,
    profile: str | None,
    columns: tuple[str, ...],
    inputs: tuple[str, ...],
    family: str,
    members: int | None,
    spatial_members: int | None,
    geometries: str | None,
    **options,
):
    """Train a model that predicts the labelled columns with calibrated uncertainty.

    With --out everything happens here, on files: OUT is checkpoint and result, and an interrupted training goes on when
    the command is given again. Without it, a WorkChain is submitted and its result is stored as a node. Molecules of
    the common test split are never trained on; the figures at the end are theirs.
    """
    from aiida_osc.surrogate.settings import SurrogateSettings

    values = loop_settings(**options) | {'family': family}
    values |= {'columns': list(columns)} if columns else {}
    values |= {'inputs': list(inputs)} if inputs else {}
    given = (('members', members), ('spatial_members', spatial_members))
    values |= {name: value for name, value in given if value is not None}
    values = over_file(values, **options)
    settings = SurrogateSettings.from_dict(values)
    settings.check_structures(geometries is not None)
    if out is None:
        find = partial(_find_structures, geometries)
        submit_training('surrogate', data, values, seed, start, profile, find, **options)
        return
    from aiida_osc.cli.sets import open_structures
    from aiida_osc.cli.training import read_file, train_on_files
    from aiida_osc.surrogate.fit import fit_surrogate_piece
    from aiida_osc.surrogate.selection import describe_choice

    table = read_file(data, level)
    structures = None if geometries is None else open_structures(geometries, profile)

    def piece(checkpoint, report):
        return fit_surrogate_piece(
            table, settings, seed=seed, checkpoint=checkpoint, report=report, structures=structures
        )

    artifact = train_on_files(piece, out, start, settings=settings, **options)
    if artifact is None:
        return
    click.echo(describe_choice(artifact.config['training']['choice']))
    if structures is not None:
        click.echo(f'{artifact.config["training"]["structures"]["molecules"]} molecules have a structure')
    for column, values in artifact.config['metrics'].items():
        figures = ', '.join(f'{name.upper()} {values[name]:.4f}' for name in ('mae', 'rmse', 'nll', 'crps'))
        click.echo(f'{column}: {figures} on {values["n"]} molecules ({values["split"]})')
    click.echo(f'written: {out}')


def _find_structures(geometries: str | None) -> dict:
    from aiida_osc.cli.sets import structures_node

    return {} if geometries is None else {'geometries': structures_node(geometries)}
