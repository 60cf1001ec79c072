"""``aiida-osc geometries``."""

import click

from aiida_osc.cli.common import ModelName, is_file, profile_option, seed_option


@click.command()
@click.argument('molecules', metavar='FILE|NODE')
@click.option(
    '--out',
    type=click.Path(dir_okay=False),
    metavar='FILE',
    help='File to write, needed for a FILE: .sdf (with bonds and origin), .xyz, .csv or .h5.',
)
@click.option(
    '--model',
    type=ModelName(),
    metavar='NAME|FOLDER|NODE',
    help='Conformer model, such as conformers, which comes with the package; without one, ETKDGv3 and MMFF94.',
)
@click.option('--sampler', help="Sampler of the model; the model's default when not given.")
@click.option('--steps', type=int, help='Steps of the sampler.')
@click.option(
    '--embed-timeout',
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help='Seconds per attempt to embed a molecule.',
)
@seed_option
@profile_option
def geometries(
    molecules: str,
    out: str | None,
    model: str | None,
    sampler: str | None,
    steps: int | None,
    embed_timeout: float,
    seed: int,
    profile: str | None,
):
    """Make a 3D structure of every molecule, and say what made it.

    A structure of the model that is not plausible, or a mirror image, is replaced by one of ETKDGv3 and MMFF94, and
    that, where it fails, by one from distance geometry or from the bonds alone: no molecule is left out.

    Files need no profile. When FILE|NODE or the model is a node, structures and report are stored as nodes.
    """
    from aiida_osc.diffusion.geometries import GeometrySettings
    from aiida_osc.diffusion.geometry_files import check_suffix, write_geometries
    from aiida_osc.errors import OscError

    if out is not None:
        check_suffix(out)
    sampling = {name: value for name, value in (('sampler', sampler), ('steps', steps)) if value is not None}
    if sampling and model is None:
        raise OscError('--sampler and --steps are of a model: name it with --model')
    settings = GeometrySettings(embed_timeout, sampling)
    if is_file(molecules) and (model is None or is_file(model)):
        if out is None:
            raise OscError('say with --out which file to write')
        smiles, found = _make_from_files(molecules, model, settings, seed)
    else:
        smiles, found = _make_from_nodes(molecules, model, settings, seed, profile)
    for key, text in found.flagged.items():
        click.echo(f'not plausible: {key}, {found.origins[key]}: {text}', err=True)
    if out is not None:
        write_geometries(found, smiles, out)
        click.echo(f'written: {out}')
    counts = ', '.join(f'{number} x {origin}' for origin, number in found.counts().items())
    click.echo(f'{len(found.table)} structures: {counts}')


def _make_from_files(path: str, model: str | None, settings, seed: int):
    from aiida_osc.cli.training import read_file
    from aiida_osc.diffusion.geometries import make_geometries, open_model

    table, conformers = read_file(path, level='not read'), None
    if model is not None:
        from aiida_osc.training.artifact import ModelArtifact

        conformers = open_model(ModelArtifact.load(model))
    found = make_geometries(table.smiles, table.inchikeys, conformers, settings, seed=seed, progress=_say)
    return table.smiles, found


def _make_from_nodes(molecules: str, model: str | None, settings, seed: int, profile: str | None):
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida.orm import Dict, Int

    from aiida_osc.calculations.functions.sample_geometries import sample_geometries
    from aiida_osc.cli.labelling import read_molecules
    from aiida_osc.cli.training import find_model
    from aiida_osc.diffusion.geometries import Geometries

    given = {} if model is None else {'model': find_model(model)}
    node = read_molecules(molecules, store=True)
    outputs = sample_geometries(node, Dict(settings.to_dict()), Int(seed), **given)
    for name, output in outputs.items():
        click.echo(f'{name}: node {output.pk}, uuid {output.uuid}')
    return node.load().smiles, Geometries.from_report(outputs['geometries'].load(), outputs['report'].get_dict())


def _say(done: int, total: int) -> None:
    if done == total or done % max(1, total // 10) == 0:
        click.echo(f'{done} of {total} molecules', err=True)
