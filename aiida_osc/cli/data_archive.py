"""``aiida-osc data archive``."""

import click

from aiida_osc.cli.common import load_osc_node, load_osc_profile, profile_option
from aiida_osc.errors import OscError


@click.command('archive')
@click.argument('identifiers', nargs=-1, metavar='[NODE|PROCESS...]')
@click.option('--out', metavar='FILE', help='Archive to write, such as set.aiida; its manifest is written beside it.')
@click.option('--dvc', is_flag=True, help='Write FILE.dvc, by which DVC 3 knows the archive.')
@click.option('--verify', metavar='FILE', help='Check an archive, without importing it; needs no profile.')
@profile_option
def archive(identifiers, out, dvc, verify, profile):
    """Write nodes with all they come from as an AiiDA archive with a manifest, or check one.

    NODE is a pk, uuid or label; a campaign by its pk takes everything with it. The manifest says what is in the
    archive, hashes of all of it, licences of the data and what to cite. "verdi archive import FILE" reads it.
    """
    if verify:
        if identifiers or out or dvc:
            raise OscError('--verify checks a file: leave out nodes, --out and --dvc')
        _verify(verify)
        return
    if not identifiers or not out:
        raise OscError('say what to archive and where to: aiida-osc data archive NODE... --out FILE.aiida')
    load_osc_profile(profile)
    from aiida.orm import Node

    from aiida_osc.provenance.archive import manifest_path, write_archive

    manifest = write_archive([load_osc_node(item, Node) for item in identifiers], out, dvc=dvc)
    size = manifest['archive']['bytes'] / 1e6
    click.echo(f'{out}: {len(manifest["nodes"])} nodes, {len(manifest["objects"])} files, {size:.1f} MB')
    click.echo(f'{manifest_path(out)}: sha256 {manifest["archive"]["sha256"]}')
    for source in manifest['sources']:
        click.echo(f'source {source["name"]}: licence {source["licence"]}', err=True)
    click.echo(f'cite: {manifest["citation"]}', err=True)


def _verify(path):
    from aiida_osc.provenance.archive_check import check_archive

    check = check_archive(path)
    for problem in check.problems:
        click.echo(problem)
    if check.problems:
        raise OscError(f'{path} is not sound: {len(check.problems)} problems; take another copy')
    beside = 'as its manifest says' if check.has_manifest else 'without a manifest to compare with'
    click.echo(f'{path}: {check.nodes} nodes and {check.objects} files are sound, {beside}')
