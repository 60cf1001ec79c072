"""``aiida-osc train diffusion``."""

from pathlib import Path

import click

from aiida_osc.cli.training import loop_settings, over_file, submit_training, training_options
from aiida_osc.datasets.sources.registry import names


@click.command('diffusion')
@training_options
@click.option('--molecules', metavar='FILE|NODE', help='Names the bonds of the structures in a .h5 FILE or a NODE.')
@click.option('--source', type=click.Choice(names()), help='The known data set that DATA is.')
@click.option('--sample', type=click.IntRange(2), help='Molecules of qm9 or --source to draw at random.')
@click.option('--hidden', type=click.IntRange(2), help="Width of the atoms' vectors.")
@click.option('--layers', type=click.IntRange(1), help='Layers of the network.')
def diffusion(
    data: str,
    out: str | None,
    start: str | None,
    level: str | None,
    seed: int,
    profile: str | None,
    source: str | None,
    molecules: str | None,
    sample: int | None,
    hidden: int | None,
    layers: int | None,
    **options,
):
    """Train a spectral diffusion model that makes 3D structures.

    DATA is ``qm9``, the files of another --source with structures, an SD file, a folder with SD files or with XYZ files
    and a CSV file of columns file and smiles, a .h5 file of structures, or a node; the last two need --molecules. With
    --out everything happens here, on files: OUT is checkpoint and result, and an interrupted training goes on when the
    command is given again. Without it, a WorkChain is submitted. Molecules of the common test split are never trained
    on.
    """
    from aiida_osc.diffusion.molecules.settings import ConformerSettings

    values = loop_settings(**options) | {'piece_epochs': 1}
    values |= {name: value for name, value in (('hidden', hidden), ('layers', layers)) if value is not None}
    values = over_file(values, **options)
    settings = ConformerSettings.from_dict(values)
    if out is None:
        _submit(data, molecules, values, seed, start, profile, options)
        return
    from aiida_osc.cli.training import train_on_files
    from aiida_osc.diffusion.molecules.data import prepare
    from aiida_osc.diffusion.molecules.fit import fit_conformer_piece

    table, structures = _read(data, source, molecules, level, sample, seed)
    prepared = prepare(table, structures, settings, seed=seed)
    for reason, count in prepared.rejected.items():
        click.echo(f'left out: {count} x {reason}', err=True)

    def piece(checkpoint, report):
        return fit_conformer_piece(
            table, structures, settings, seed=seed, checkpoint=checkpoint, report=report, data=prepared
        )

    artifact = train_on_files(piece, out, start, settings=settings, **options)
    if artifact is None:
        return
    metrics = artifact.config['metrics']
    for name, value in metrics['quality'].items():
        if isinstance(value, int | float):
            click.echo(f'{name}: {value:.4g}')
    gate = metrics['gate']
    click.echo(
        f'gate {"passed" if gate["passed"] else "not passed"}: {gate["plausible"]:.0%} of the structures plausible'
    )
    click.echo(f'written: {out}')


def _read(
    data: str, source: str | None, molecules: str | None, level: str | None, sample: int | None, seed: int
) -> tuple:
    """Return the molecules and the structures that the files hold.

    :raises OscError: when they cannot be used.
    """
    from aiida_osc.datasets.geometry_sources import collect_structures, folder_structures
    from aiida_osc.datasets.geometry_table import GeometryTable
    from aiida_osc.datasets.molecule_table import MoleculeTable
    from aiida_osc.datasets.sources.registry import get_source
    from aiida_osc.errors import OscError

    if Path(data).suffix in ('.h5', '.hdf5'):
        if molecules is None:
            raise OscError('say with --molecules which .h5 file names the bonds of the structures')
        return MoleculeTable.read(molecules), GeometryTable.read(data)
    if source is not None or data == 'qm9':
        known = get_source(source or data)
        if known.structures is None:
            raise OscError(f'source {known.name} has no structures: aiida-osc data sources says which have')
        items = known.structures(None if data == known.name else Path(data), sample, seed)
        found = collect_structures(items, level=level or known.geometry_level or 'unknown', source=known.name)
    elif Path(data).is_dir() or (Path(data).is_file() and Path(data).suffix == '.sdf'):
        found = collect_structures(folder_structures(data), level=level or 'unknown', source=Path(data).name)
    else:
        raise OscError(f'{data} is no folder: give qm9, a folder, an SD file, or a .h5 file with --molecules')
    for name, reason in found.rejected[:20]:
        click.echo(f'left out: {name}: {reason}', err=True)
    if len(found.rejected) > 20:
        click.echo(f'left out: {len(found.rejected) - 20} more', err=True)
    return found.molecules, found.geometries


def _submit(
    data: str, molecules: str | None, values: dict, seed: int, start: str | None, profile: str | None, options: dict
) -> None:
    from aiida_osc.errors import OscError

    if molecules is None:
        raise OscError('give nodes to a WorkChain: --data with the structures and --molecules with their bonds')

    def find() -> dict:
        from aiida_osc.cli.common import load_osc_node
        from aiida_osc.data.geometry_set import GeometrySetData

        return {'geometries': load_osc_node(data, GeometrySetData)}

    submit_training('diffusion', molecules, values, seed, start, profile, find, **options)
