"""``aiida-osc data enumerate``."""

import click

from aiida_osc.cli.common import load_osc_profile, profile_option, seed_option
from aiida_osc.cli.sets import OUT_HELP, label_option, molecule_node, open_molecules, run_function, write_set


@click.command('enumerate')
@click.argument('identifier', metavar='FILE|NODE')
@click.option('--count', type=click.IntRange(1), default=1000, show_default=True, help='Molecules to make.')
@click.option('--max-heavy-atoms', type=click.IntRange(1), default=40, show_default=True, help='Of a molecule.')
@click.option('--max-sa-score', type=float, default=4.5, show_default=True, help='Synthetic accessibility at most.')
@seed_option
@click.option('--out', metavar='FILE', help=OUT_HELP)
@label_option
@profile_option
def enumerate_(identifier, count, max_heavy_atoms, max_sa_score, seed, out, label, profile):
    """Make new molecules of those of a set, for a generator to learn from.

    Rings are joined, cut and fused, substituents set and atoms of aromatic rings exchanged, up to four times at random
    places. Molecules of the set are not made again.
    """
    from aiida_osc.datasets.enumeration import EnumerationSettings, enumerate_molecules

    settings = EnumerationSettings(count=count, max_heavy_atoms=max_heavy_atoms, max_sa_score=max_sa_score)
    if out:
        table, reasons = enumerate_molecules(open_molecules(identifier, profile).smiles, settings, seed=seed)
        _tell(reasons)
        write_set(table, out)
        return
    load_osc_profile(profile)
    from aiida.orm import Dict, Int

    from aiida_osc.calculations.functions.enumerate import enumerate as enumerate_set

    outputs = run_function(
        enumerate_set, molecules=molecule_node(identifier), settings=Dict(settings.to_dict()), seed=Int(seed)
    )
    _tell(outputs['report']['left_out'])
    node = outputs['molecules']
    node.label = label
    click.echo(f'pk {node.pk}, uuid {node.uuid}: {node.count} molecules')


def _tell(reasons: dict[str, int]) -> None:
    for reason, count in reasons.items():
        click.echo(f'left out: {count} x {reason}', err=True)
