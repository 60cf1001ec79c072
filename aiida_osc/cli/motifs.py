"""``aiida-osc motifs``."""

import click

from aiida_osc.cli.common import is_file, profile_option


@click.command()
@click.argument('molecules', metavar='FILE|NODE')
@click.option(
    '--chain-count',
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help='Molecules that must share an acyclic motif for it to stay whole.',
)
@click.option('--rows', type=click.IntRange(0), default=25, show_default=True, help='Motifs to print; 0 for all.')
@click.option('--jobs', type=click.IntRange(1), default=1, show_default=True, help='Processes that decompose.')
@profile_option
def motifs(molecules: str, chain_count: int, rows: int, jobs: int, profile: str | None):
    """Decompose molecules into motifs and check that they reassemble exactly.

    Compared are canonical SMILES with all stereo marks. Motifs are printed as SMILES-like text: * is where another
    motif is bonded, and a number before an aromatic heteroatom counts its ring bonds (tens) and substituents (ones).
    """
    from aiida_osc.generator.audit import audit_motifs

    table = _read(molecules, profile)
    audit = audit_motifs(table.smiles, chain_count, jobs=jobs)
    click.echo(f'{audit.exact} of {audit.count} molecules decompose and reassemble exactly')
    if audit.marked:
        click.echo(f'{audit.marked} of them have stereo marks: kept here, but a generator does not learn them')
    for reason, count in audit.reasons():
        click.echo(f'rejected: {count} x {reason}')
    for place, reason in audit.rejected.items():
        click.echo(f'{table.smiles[place]}: {reason}', err=True)
    vocabulary = audit.vocabulary
    click.echo(
        f'vocabulary: {len(vocabulary.motifs)} motifs, {len(vocabulary.attachments) - 1} attachments, '
        f'{len(vocabulary.sites) - 1} sites; largest tree {audit.largest} motifs'
    )
    shown = audit.motifs[: rows or None]
    if shown:
        click.echo(f'{"kind":<6}{"uses":>8}{"molecules":>11}  motif')
    for kind, text, count, holders in shown:
        click.echo(f'{kind:<6}{count:>8}{holders:>11}  {text}')


def _read(molecules: str, profile: str | None):
    if is_file(molecules):
        from aiida_osc.cli.training import read_file

        # Labels in the file are not read, so it need not say their level.
        return read_file(molecules, level='not read')
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    from aiida_osc.cli.labelling import read_molecules

    return read_molecules(molecules, store=False).load()
