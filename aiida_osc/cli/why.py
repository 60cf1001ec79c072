"""``aiida-osc why``: where a molecule and its numbers come from."""

import click

from aiida_osc.cli.common import load_osc_profile, profile_option


@click.command()
@click.argument('campaign', metavar='PK')
@click.argument('inchikey')
@profile_option
def why(campaign: str, inchikey: str, profile: str | None):
    """Print the chain of a molecule, from the raw output to the model that proposed it and the data behind that.

    PK is the pk, uuid or label of a campaign; INCHIKEY may be the beginning of one.
    """
    load_osc_profile(profile)
    from aiida_osc.provenance.chain import molecule_chain
    from aiida_osc.provenance.find import find_campaign

    for place, link in enumerate(molecule_chain(find_campaign(campaign), inchikey), start=1):
        click.secho(f'{place}. {link.title}', bold=True)
        for ref in link.nodes:
            click.echo(f'     {ref.what:<26} {ref.uuid}  (pk {ref.pk})')
        for name, text in link.facts:
            click.echo(f'     {name:<26} {text}')
