"""A computer of ours in AiiDA: looked at through its transport before anything is stored."""

import logging
import re
import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from aiida_osc.cli.installation import POLL_INTERVAL, Step
from aiida_osc.errors import OscError

TRANSPORTS = ('core.ssh_async', 'core.ssh', 'core.local')
SCHEDULERS = ('core.slurm', 'core.pbspro', 'core.torque', 'core.sge', 'core.lsf', 'core.direct')
#: What tells the version of a scheduler on the remote side.
VERSION_COMMANDS = {
    'core.slurm': 'sbatch --version',
    'core.pbspro': 'qstat --version',
    'core.torque': 'qstat --version',
    'core.lsf': 'bsub -V',
}
#: Seconds between two looks at the queue of a cluster, and between two connections to it: what its keepers bear.
POLL, CONNECT = 10.0, 5.0
NAMES = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')


@dataclass(frozen=True)
class ComputerPlan:
    """What the user says about a computer; None where he leaves it to the computer that is there, or to us.

    :ivar memory: in kB per machine, as AiiDA counts it.
    :ivar poll: least time between two looks at the queue, in s.
    :ivar connect: least time between two connections, in s.
    """

    name: str
    host: str | None = None
    user: str | None = None
    transport: str | None = None
    scheduler: str | None = None
    workdir: str | None = None
    cores: int | None = None
    memory: int | None = None
    prepend: str | None = None
    poll: float | None = None
    connect: float | None = None

    def __post_init__(self):
        """Refuse what AiiDA would take but could not use."""
        if not NAMES.fullmatch(self.name):
            raise OscError(f'{self.name!r} is no name for a computer: use letters, digits, dots, dashes, underscores')
        if self.host is not None and not re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._:-]*', self.host):
            raise OscError(f'{self.host!r} is no host: give it as in "ssh HOST"')
        if self.workdir is not None and not re.fullmatch(r'/[^\n\0]*', self.workdir):
            raise OscError(f'{self.workdir!r}: give the work folder as an absolute path; {{username}} may stand in it')


def find_computer(name: str):
    """Return the computer of that name in the loaded profile, or None."""
    from aiida.common.exceptions import NotExistent
    from aiida.orm import load_computer

    try:
        return load_computer(name)
    except NotExistent:
        return None


def new_computer(plan: ComputerPlan):
    """Return an unstored computer.

    :raises OscError: when the plan lacks what a new computer needs.
    """
    from aiida.orm import Computer

    if plan.workdir is None:
        raise OscError(f'computer {plan.name} is new: name a folder for its jobs there with --workdir')
    transport = plan.transport or TRANSPORTS[0]
    computer = Computer(
        label=plan.name,
        hostname=plan.host or ('localhost' if transport == 'core.local' else plan.name),
        description='Set up by aiida-osc',
        transport_type=transport,
        scheduler_type=plan.scheduler or SCHEDULERS[0],
        workdir=plan.workdir,
    )
    computer.set_prepend_text(plan.prepend or '')
    computer.set_default_mpiprocs_per_machine(plan.cores or 1)
    if plan.memory is not None:
        computer.set_default_memory_per_machine(plan.memory)
    is_local = transport == 'core.local'
    computer.set_minimum_job_poll_interval((POLL_INTERVAL if is_local else POLL) if plan.poll is None else plan.poll)
    return computer


def connection_settings(plan: ComputerPlan, computer) -> dict[str, Any]:
    """Return what ``computer.configure`` is given: AiiDA's own suggestions but for what the plan says."""
    from aiida.transports.cli import transport_option_default

    options = computer.get_transport_class().auth_options
    settings = {name: transport_option_default(name, computer) for name in options}
    is_local = computer.transport_type == 'core.local'
    settings |= {'use_login_shell': False, 'safe_interval': 0.0} if is_local else {'safe_interval': CONNECT}
    chosen = {'host': computer.hostname, 'username': plan.user, 'safe_interval': plan.connect}
    if plan.user is not None and 'username' not in options:
        raise OscError(f'{computer.transport_type} takes the user from ~/.ssh/config: write "User {plan.user}" there')
    settings |= {name: value for name, value in chosen.items() if name in options and value is not None}
    return {name: value for name, value in settings.items() if value is not None}


def refuse_changes(plan: ComputerPlan, computer) -> None:
    """Return when an existing computer is as the plan says.

    :raises OscError: when it differs: jobs that are done say that they ran on the computer as it was.
    """
    settings = computer.get_configuration() if computer.is_configured else {}
    present = {
        'host': settings.get('host', computer.hostname),
        'user': settings.get('username'),
        'transport': computer.transport_type,
        'scheduler': computer.scheduler_type,
        'workdir': computer.get_workdir(),
        'cores': computer.get_default_mpiprocs_per_machine(),
        'memory': computer.get_default_memory_per_machine(),
        'prepend': computer.get_prepend_text(),
        'poll': computer.get_minimum_job_poll_interval(),
        'connect': settings.get('safe_interval'),
    }
    for name, value in present.items():
        wanted = getattr(plan, name)
        if wanted is not None and wanted != value:
            raise OscError(
                f'computer {computer.label} exists with other settings ({name} is {value!r}, not {wanted!r}); leave '
                f'out the option, use another name, or see: verdi computer show {computer.label}'
            )


@contextmanager
def open_transport(computer, settings: dict[str, Any]):
    """Open the connection to a computer that need not be stored.

    :param settings: of the connection, as ``computer.configure`` takes them.
    :raises OscError: when it cannot be opened, with what to try.
    """
    from aiida.manage import get_manager

    # An event loop is needed, but no broker, which is not there before the daemon runs.
    get_manager().get_runner(communicator=None, with_persistence=False)
    logging.getLogger('aiida.transport').setLevel(logging.CRITICAL)  # what it says is in the exception, too
    transport = computer.get_transport_class()(machine=computer.hostname, **settings)
    with ExitStack() as stack:
        try:
            stack.enter_context(transport)
        except Exception as exception:  # each transport has its own errors, of asyncssh, paramiko and the system
            raise OscError(unreachable(computer, settings, exception)) from exception
        yield transport


def unreachable(computer, settings: dict[str, Any], exception: Exception) -> str:
    """Return the sentence about a computer whose connection cannot be opened."""
    reason = ' '.join(str(exception).split()) or type(exception).__name__
    text = f'computer {computer.label} cannot be reached ({reason})'
    if computer.transport_type == 'core.local':
        return text
    host = settings.get('host', computer.hostname)
    return (
        f'{text}; make "ssh {host}" work without a password first, with its host key in ~/.ssh/known_hosts and its '
        'address, user and key in ~/.ssh/config'
    )


def run(transport, command: str, prepend: str = '') -> tuple[int, str]:
    """Run a command behind the prepend text and return its status and what it wrote."""
    text = f'{prepend}\n{command}' if prepend else command
    status, output, errors = transport.exec_command_wait(text)
    return status, f'{output}\n{errors}'.strip()


def look_around(transport, computer):
    """Yield the steps of a look at an open computer: user, work folder, scheduler.

    :raises OscError: when one of them is not as needed.
    """
    user = transport.whoami()
    yield Step(f'connection to {computer.hostname}: works, as user {user}')
    folder = computer.get_workdir().format(username=user)
    yield Step(f'work folder {folder}: {_check_folder(transport, folder)}')
    yield Step(f'scheduler {computer.scheduler_type}: {_check_scheduler(transport, computer)}')


def _check_folder(transport, folder: str) -> str:
    """Return whether the folder is there or can be made; make nothing."""
    climb = f'd={shlex.quote(folder)}; while [ ! -e "$d" ]; do d=$(dirname "$d"); done'
    status, output = run(transport, f'{climb}; [ -d "$d" ] && [ -w "$d" ] && echo "$d"')
    if status or not output:
        raise OscError(f'the work folder {folder} can neither be written nor made; name another with --workdir')
    return 'can be written' if output.splitlines()[-1] == folder else 'will be made by the first job'


def _check_scheduler(transport, computer) -> str:
    kind = computer.scheduler_type
    scheduler = computer.get_scheduler()
    scheduler.set_transport(transport)
    version = ''
    if kind in VERSION_COMMANDS:
        status, output = run(transport, VERSION_COMMANDS[kind])
        if status:
            raise OscError(
                f'the scheduler {kind} does not answer on {computer.hostname} ({_last(output)}); name the right one '
                f'with --scheduler: {", ".join(SCHEDULERS)}'
            )
        version = f' ({_last(output)})'
    from aiida.schedulers import SchedulerError

    try:
        jobs = scheduler.get_jobs()
    except SchedulerError as exception:
        raise OscError(f'the queue of {computer.hostname} cannot be listed ({_last(str(exception))})') from exception
    return f'answers{version}, {len(jobs)} jobs in its queue'


def _last(text: str) -> str:
    return (text.strip().splitlines() or ['it said nothing'])[-1].strip()


def ensure_stored(plan: ComputerPlan, computer, settings: dict[str, Any]) -> Step:
    """Store and configure a computer where that is not done yet."""
    if computer.is_stored and computer.is_configured:
        return Step(f'computer {computer.label}: there')
    computer.store()
    computer.configure(**settings)
    way = f'{computer.scheduler_type} by {computer.transport_type}'
    return Step(f'computer {computer.label}: made ({way}, jobs below {computer.get_workdir()})', changed=True)
