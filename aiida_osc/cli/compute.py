"""``aiida-osc compute``: labels by quantum chemistry."""

import click

from aiida_osc.cli.common import profile_option, seed_option


@click.command()
@click.argument('molecules', metavar='FILE|NODE|PROCESS')
@click.option(
    '--engine',
    type=click.Choice(['tblite', 'pyscf', 'psi4', 'orca', 'gaussian']),
    default='tblite',
    show_default=True,
    help='tblite: GFN2-xTB and IPEA1-xTB; the others: density functional theory.',
)
@click.option(
    '--protocol',
    type=click.Choice(['fast', 'balanced', 'stringent']),
    help='fast: xTB; balanced: DFT energies at xTB geometries; stringent: DFT geometries as well. By default fast for '
    'tblite, else balanced.',
)
@click.option(
    '--level',
    metavar='LEVEL',
    help="Levels of energies and geometries in place of the protocol's, such as PBE0-D4/def2-TZVP//GFN2-xTB.",
)
@click.option('--epsilon', type=click.FloatRange(0), help='Dielectric constant of an implicit solvent; 0: gas phase.')
@click.option(
    '--code', metavar='LABEL', help='Label, pk or uuid of the code of the engine; by default called as it is.'
)
@click.option(
    '--xtb-code',
    default='tblite',
    show_default=True,
    metavar='LABEL',
    help='Code that makes the start geometries for psi4, orca and gaussian.',
)
@click.option('--cores', type=click.IntRange(1), help="Cores per job; by default the computer's.")
@click.option('--memory', type=click.IntRange(100), metavar='MB', help="Memory per job; by default the computer's.")
@click.option('--chunk-size', type=click.IntRange(1), help='Largest number of molecules per batch job.')
@click.option('--max-concurrent', type=click.IntRange(1), help='Largest number of jobs at a time.')
@click.option('--reuse/--no-reuse', default=True, show_default=True, help='Take labels that are in the graph already.')
@click.option('--walltime', type=click.IntRange(60), metavar='SECONDS', help='Wall time per job.')
@click.option('--dry-run', is_flag=True, help='Say what would be computed; submit nothing.')
@click.option('--wait/--no-wait', default=False, help='Stay and show the progress until the labels are there.')
@click.option(
    '--out',
    type=click.Path(dir_okay=False),
    metavar='FILE',
    help='Write the labels there (.csv, .sdf, .h5); implies --wait.',
)
@seed_option
@profile_option
def compute(molecules: str, profile: str | None, dry_run: bool, wait: bool, out: str | None, **choices):
    """Compute labels by quantum chemistry.

    FILE is CSV, SMILES, SDF or HDF5; NODE the pk, uuid or label of a molecule set; PROCESS the pk of an earlier, killed
    or failed computation, which is taken up where it ended. Labels that are in the graph already, for the same molecule
    and level, are taken from there, whatever campaign they come from.
    """
    from aiida_osc.cli import labelling
    from aiida_osc.cli.common import load_osc_profile, require_daemon

    load_osc_profile(profile)
    if not dry_run:
        require_daemon()
    earlier = labelling.find_process(molecules)
    if earlier:
        builder = labelling.resume_builder(earlier, **choices)
    else:
        builder = labelling.make_builder(labelling.read_molecules(molecules, store=not dry_run), **choices)
    click.echo(labelling.describe(builder), err=True)
    if dry_run:
        return
    process = labelling.submit_labels(builder, molecules)
    click.echo(f'submitted: pk {process.pk}, uuid {process.uuid}')
    if wait or out:
        labelling.report_labels(process, out)
        raise SystemExit(0 if process.is_finished_ok else 1)
    click.echo(f'follow it with: aiida-osc status {process.pk}', err=True)
