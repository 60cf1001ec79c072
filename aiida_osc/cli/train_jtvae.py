"""``aiida-osc train jtvae``."""

import click

from aiida_osc.cli.training import loop_settings, over_file, submit_training, training_options


@click.command('jtvae')
@training_options
@click.option('--hidden', type=click.IntRange(2), help='Width of the hidden layers.')
@click.option('--latent', type=click.IntRange(2), help='Size of the latent vector.')
@click.option('--jobs', type=click.IntRange(1), help='Processes that decompose molecules.')
def jtvae(
    data: str,
    out: str | None,
    start: str | None,
    level: str | None,
    seed: int,
    profile: str | None,
    hidden: int | None,
    latent: int | None,
    jobs: int | None,
    **options,
):
    """Train a junction-tree variational autoencoder that proposes new molecules.

    With --out everything happens here, on files: OUT is checkpoint and result, and an interrupted training goes on when
    the command is given again. Without it, a WorkChain is submitted and its result is stored as a node. Columns with
    enough labels get property heads. Molecules of the common test split are never trained on.
    """
    from aiida_osc.generator.settings import JtvaeSettings

    values = loop_settings(**options)
    given = {'hidden': hidden, 'latent': latent, 'jobs': jobs}
    values |= {name: value for name, value in given.items() if value is not None}
    values = over_file(values, **options)
    settings = JtvaeSettings.from_dict(values)
    if out is None:
        submit_training('jtvae', data, values, seed, start, profile, **options)
        return
    from aiida_osc.cli.training import read_file, train_on_files
    from aiida_osc.generator.fit import fit_jtvae_piece

    table = read_file(data, level)

    def piece(checkpoint, report):
        return fit_jtvae_piece(table, settings, seed=seed, checkpoint=checkpoint, report=report)

    artifact = train_on_files(piece, out, start, settings=settings, **options)
    if artifact is None:
        return
    for reason, count in artifact.config['extra']['rejected'].items():
        click.echo(f'left out: {count} x {reason}', err=True)
    for name, values in artifact.config['metrics'].items():
        figures = ', '.join(f'{key} {value:.4g}' for key, value in values.items())
        click.echo(f'{name}: {figures}')
    click.echo(f'written: {out}')
