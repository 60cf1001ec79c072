"""``aiida-osc setup``: from an installed package to a running daemon."""

import click

from aiida_osc.cli.lazy import LazyGroup
from aiida_osc.errors import OscError

COMMANDS = {
    'computer': ('aiida_osc.cli.setup_computer', 'computer', 'Set up a cluster, or add programs to a computer.'),
}


@click.group('setup', cls=LazyGroup, table=COMMANDS, invoke_without_command=True)
@click.option('--profile', metavar='NAME', help='AiiDA profile to use, made when missing; "osc" when not given.')
@click.option('--workers', type=click.IntRange(1), default=2, show_default=True, help='Daemon workers to start.')
@click.option(
    '--python', metavar='PATH', help='Python interpreter with tblite and rdkit for the xTB jobs; this one by default.'
)
@click.option('--daemon/--no-daemon', default=True, help='Whether to start the daemon.')
@click.pass_context
def setup(ctx: click.Context, profile: str | None, workers: int, python: str | None, daemon: bool):
    """Make or reuse a profile, computer, code and daemon.

    Nothing that exists is changed, except that workers are added to a daemon that has fewer. With "computer NAME" a
    cluster is set up instead, or another program on a computer that is there.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx)
        return
    from aiida_osc.cli.installation import PROFILE, prepare_environment

    prepare_environment()
    from aiida.common.exceptions import AiidaException

    changed = False
    try:
        for step in _steps(profile, workers, python, daemon):
            click.echo(step.text)
            changed = changed or step.changed
    except AiidaException as exception:
        raise OscError(f'AiiDA refuses: {exception}') from exception
    click.echo('ready' if changed else 'ready, nothing changed')
    _hint(profile or PROFILE)


def _steps(name: str | None, workers: int, python: str | None, daemon: bool):
    from aiida_osc.cli import installation
    from aiida_osc.cli.daemon import ensure_workers

    profile, step = installation.ensure_profile(name)
    yield step
    yield installation.ensure_caching(profile)
    computer, step = installation.ensure_computer(profile)
    yield step
    _, step = installation.ensure_code(computer, python)
    yield step
    if daemon:
        yield ensure_workers(profile, workers)


def _refuse_options(ctx: click.Context) -> None:
    """Refuse options in front of a subcommand, where they would say nothing."""
    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name and ctx.get_parameter_source(parameter.name) == click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(
            f'{given[0]} before "{ctx.invoked_subcommand}" says nothing: give it behind, or not', ctx
        )


def _hint(name: str) -> None:
    """Say how to reach the profile when it is not the default."""
    from aiida.manage.configuration import get_config

    if get_config().default_profile_name != name:
        click.echo(f'add --profile {name} to each command, or make it the default: verdi profile set-default {name}')
