"""``aiida-osc doctor``: what is wrong with the installation, and the cures."""

import click

from aiida_osc.cli.common import load_osc_profile, profile_option
from aiida_osc.cli.findings import Finding
from aiida_osc.errors import OscError


@click.command('doctor')
@profile_option
@click.option('--fix', is_flag=True, help='Apply the cures that need nobody to decide.')
@click.option('--remote', is_flag=True, help='Also connect to the computers that are not this machine.')
@click.pass_context
def doctor(ctx: click.Context, profile: str | None, fix: bool, remote: bool):
    """Check the installation; print each cure, or apply it with --fix.

    One line per finding: severity, what, and the command that cures it. Processes that somebody works on are left
    alone. Ends with status 1 when something is (still) wrong.
    """
    from aiida_osc.cli.installation import prepare_environment

    prepare_environment()
    loaded = load_osc_profile(profile)
    if fix and _apply(loaded):
        click.echo('looking again ...')
    findings = list(examine(loaded))
    if remote:
        from aiida_osc.cli.remote_checks import check_remote

        findings += check_remote(loaded)
    for finding in findings:
        click.echo(str(finding))
    wrong = sum(finding.is_wrong for finding in findings)
    click.echo(f'profile {loaded.name}: ' + (f'{wrong} finding{"s" * (wrong > 1)}' if wrong else 'all is well'))
    ctx.exit(1 if wrong else 0)


def examine(profile):
    """Yield the findings of all checks, in an order in which cures can be applied."""
    for check in _checks():
        yield from check(profile)


def _checks():
    from aiida_osc.cli import checks, process_checks

    return (
        checks.check_programs,
        checks.check_disk,
        checks.check_caching,
        checks.check_computer,
        checks.check_daemon,
        checks.check_daemon_code,
        process_checks.check_processes,
        process_checks.check_paused,
    )


def _apply(profile) -> bool:
    """Apply each cure as soon as its finding is made, and return whether there was one."""
    applied = False
    for finding in examine(profile):
        if finding.fix is None or not finding.is_wrong:
            continue
        click.echo(str(finding))
        applied = True
        click.echo(f'  {_outcome(finding)}')
    return applied


def _outcome(finding: Finding) -> str:
    assert finding.fix is not None
    try:
        finding.fix()
    except OscError as exception:
        return f'not cured: {exception}'
    return 'cured'
