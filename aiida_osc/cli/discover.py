"""``aiida-osc discover``: submit a campaign described by a YAML file."""

import click

from aiida_osc.cli.common import profile_option


@click.command()
@click.argument('campaign', type=click.Path(exists=True, dir_okay=False))
@click.option('--dry-run', is_flag=True, help='Print the resolved settings; submit nothing.')
@click.option('--wait', is_flag=True, help='Stay and show the progress until the campaign has ended.')
@profile_option
def discover(campaign: str, dry_run: bool, wait: bool, profile: str | None):
    """Submit the discovery campaign described in CAMPAIGN (YAML).

    Keys: label, molecules (seed, a file, or the pk, uuid or label of a node), protocol, seed, code, xtb_code,
    generator (a model that proposes the first molecules), diffusion (one that draws start structures), cores,
    overrides.
    """
    from aiida_osc.cli.campaign import read_campaign

    settings = read_campaign(campaign)
    if dry_run:
        import yaml

        click.echo(yaml.safe_dump(settings.resolved(), sort_keys=False), nl=False)
        return
    from aiida_osc.cli.campaign import submit_campaign
    from aiida_osc.cli.common import load_osc_profile

    load_osc_profile(profile)
    node = submit_campaign(settings)
    click.echo(f'campaign {settings.label!r} submitted: pk {node.pk}, uuid {node.uuid}')
    if settings.generator != '':
        click.echo(f'the first proposals are those of the generator {settings.generator}')
    click.echo(f'follow it with: aiida-osc status {node.pk}')
    if wait:
        from aiida_osc.cli.status import follow

        follow(node.pk)
        click.echo(f'report: aiida-osc report {node.pk} -o report')
        raise SystemExit(0 if node.is_finished_ok else 1)
