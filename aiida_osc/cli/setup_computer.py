"""``aiida-osc setup computer``: a cluster, or another program on this machine, ready for jobs."""

from pathlib import Path

import click

from aiida_osc.errors import OscError


@click.command('computer')
@click.argument('name')
@click.option('--host', metavar='HOST', help='Host as in "ssh HOST", an entry of ~/.ssh/config; NAME by default.')
@click.option('--user', help='User there, for core.ssh; core.ssh_async takes it from ~/.ssh/config.')
@click.option('--workdir', metavar='PATH', help='Folder for the jobs there; {username} is filled in.')
@click.option(
    '--scheduler',
    type=click.Choice(['core.slurm', 'core.pbspro', 'core.torque', 'core.sge', 'core.lsf', 'core.direct']),
    help='What queues the jobs; core.slurm by default.',
)
@click.option(
    '--transport',
    type=click.Choice(['core.ssh_async', 'core.ssh', 'core.local']),
    help='Way to the computer; core.ssh_async by default.',
)
@click.option('--cores', type=click.IntRange(1), help='Processes per machine of a job that does not say; 1 by default.')
@click.option('--memory', type=click.FloatRange(min=0.1), metavar='GB', help='Memory per machine of such a job.')
@click.option(
    '--prepend',
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar='FILE',
    help='Shell text before every program, such as "module load".',
)
@click.option(
    '--poll', type=click.FloatRange(0), metavar='S', help='Seconds between two looks at the queue; 10 by default.'
)
@click.option('--connect', type=click.FloatRange(0), metavar='S', help='Seconds between two connections; 5 by default.')
@click.option('--python', metavar='PATH', help='Python there with tblite or PySCF: codes tblite@NAME, pyscf@NAME.')
@click.option('--xtb', metavar='PATH', help='The xtb program, for the jobs of that Python.')
@click.option('--psi4', metavar='PATH', help='Psi4: code psi4@NAME.')
@click.option('--orca', metavar='PATH', help='ORCA, whole path: code orca@NAME.')
@click.option('--test/--no-test', default=True, help='Whether to connect and look for all that is named, first.')
@click.option('--profile', metavar='NAME', help='AiiDA profile; the default profile when not given.')
def computer(name: str, profile: str | None, test: bool, **choices):
    """Set up a cluster and the codes on it, or add codes to a computer that is there.

    Connection, work folder, scheduler and programs are looked at before anything is stored. What is there already stays
    as it is; a code whose path has changed is replaced by a new one.
    """
    from aiida_osc.cli.common import load_osc_profile
    from aiida_osc.cli.installation import prepare_environment

    prepare_environment()
    load_osc_profile(profile)
    from aiida.common.exceptions import AiidaException

    changed = False
    try:
        for step in _steps(name, test, choices):
            click.echo(step.text)
            changed = changed or step.changed
    except AiidaException as exception:
        raise OscError(f'AiiDA refuses: {exception}') from exception
    click.echo('ready' if changed else 'ready, nothing changed')


def _steps(name: str, test: bool, choices: dict):
    """Look at everything, then store it; yield what was seen and made."""
    from aiida_osc.cli import remote_codes, remote_computer

    executables = {key: choices.pop(key) for key in ('python', 'xtb')}
    programs = {key: path for key in remote_codes.PROGRAMS if (path := choices.pop(key)) is not None}
    plan = _plan(name, choices)
    computer = remote_computer.find_computer(name)
    if computer is None:
        computer = remote_computer.new_computer(plan)
    else:
        remote_computer.refuse_changes(plan, computer)
    if computer.is_stored and computer.is_configured:
        settings = computer.get_configuration()
    else:
        settings = remote_computer.connection_settings(plan, computer)
    prepend = computer.get_prepend_text()
    if test:
        with remote_computer.open_transport(computer, settings) as transport:
            yield from remote_computer.look_around(transport, computer)
            codes = remote_codes.plan_codes(transport, prepend, programs=programs, **executables)
    else:
        codes = remote_codes.plan_codes(None, prepend, programs=programs, **executables)
    yield remote_computer.ensure_stored(plan, computer, settings)
    for code in codes:
        yield remote_codes.ensure_code(computer, code)


def _plan(name: str, choices: dict):
    from aiida_osc.cli.remote_computer import ComputerPlan

    memory, prepend = choices.pop('memory'), choices.pop('prepend')
    return ComputerPlan(
        name=name,
        memory=None if memory is None else round(memory * 1024**2),
        prepend=None if prepend is None else prepend.read_text().strip(),
        **choices,
    )
