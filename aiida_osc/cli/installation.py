"""What aiida-osc needs inside AiiDA: profile, computer, code and options, made once and then reused."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from aiida_osc.errors import OscError

PROFILE = 'osc'
CODE_LABEL = 'tblite'
CODE_PLUGIN = 'osc.fourpoint_batch'
#: With a star, AiiDA takes a pattern without loading the plugin, which need not be installed.
CACHED_PROCESSES = ('aiida.calculations:osc.*', 'aiida.calculations:orca.*', 'aiida.calculations:gaussian*')
COMPUTER_LABELS = ('localhost', 'localhost-osc')
POLL_INTERVAL = 1.0  # seconds between looks at the scheduler, and of the daemon at its processes

_ENGINE_MODULES = ('numpy', 'rdkit.Chem', 'tblite.interface')
_ENGINE_CHECK = f"""
import json, sys
from importlib import import_module
from importlib.metadata import version
for name in {_ENGINE_MODULES!r}:
    import_module(name)
print(json.dumps({{name: version(name) for name in ('tblite', 'rdkit')}}))
"""


@dataclass(frozen=True)
class Step:
    """One line of what the set-up did, and whether anything changed by it."""

    text: str
    changed: bool = False


def prepare_environment() -> None:
    """Put this environment's programs on PATH and silence the note about a new configuration folder.

    AiiDA looks for ``verdi`` on PATH when its daemon client is imported, so this comes before any such import.
    """
    programs = Path(sys.executable).parent
    if (programs / 'verdi').exists() and shutil.which('verdi') != str(programs / 'verdi'):
        os.environ['PATH'] = os.pathsep.join([str(programs), os.environ.get('PATH', os.defpath)])
    warnings.filterwarnings('ignore', message='Creating AiiDA configuration folder')


def check_engine(python: str) -> dict[str, str]:
    """Return the versions of tblite and rdkit that a Python interpreter can import.

    :raises OscError: when it cannot, with the command that installs them.
    """
    try:
        outcome = subprocess.run(
            [python, '-c', _ENGINE_CHECK], capture_output=True, text=True, timeout=180, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exception:
        raise OscError(f'{python} cannot be run ({exception}); name another with --python PATH') from None
    if outcome.returncode:
        reason = (outcome.stderr.strip().splitlines() or ['no message'])[-1]
        raise OscError(f'{python} lacks the xTB engine ({reason}); run: {python} -m pip install tblite rdkit numpy')
    return json.loads(outcome.stdout.splitlines()[-1])


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def ensure_profile(name: str | None):
    """Load the profile, made first when there is none of that name, and return it with the step."""
    from aiida import load_profile
    from aiida.manage import get_manager
    from aiida.manage.configuration import get_config

    config = get_config(create=True)
    name = name or PROFILE
    made = name not in config.profile_names
    if made:
        _make_profile(config, name)
    profile = load_profile(name, allow_switch=True)
    if get_manager().get_profile_storage().read_only:
        raise OscError(f'profile {name} is read-only; name another with --profile')
    kind = f'{profile.storage_backend}, broker {profile.process_control_backend or "none"}'
    if made:
        return profile, Step(f'profile {name}: made ({kind}) below {config.dirpath}', changed=True)
    return profile, Step(f'profile {name}: there ({kind})')


def _make_profile(config, name: str) -> None:
    """Make what ``verdi presto --use-zeromq`` makes, but leave an existing default profile the default."""
    from aiida.manage.configuration import create_profile
    from aiida.plugins import BrokerFactory

    create_profile(
        config,
        name=name,
        email=config.get_option('autofill.user.email') or 'aiida@localhost',
        storage_backend='core.sqlite_dos',
        storage_config={},
        broker_backend='core.zeromq',
        broker_config=BrokerFactory('core.zeromq').get_default_config(),
    )
    config.set_option('runner.poll.interval', POLL_INTERVAL, scope=name)
    config.set_default_profile(name, overwrite=False)
    config.store()


def ensure_caching(profile) -> Step:
    """Switch caching on for the processes that we use in this profile; what the user has there stays."""
    from aiida.engine.daemon.client import get_daemon_client
    from aiida.manage import get_config_option
    from aiida.manage.configuration import get_config

    if is_caching_on():
        return Step('caching of osc processes: on')
    # An option of the profile hides the global one, so the list starts from what holds now.
    present = get_config_option('caching.enabled_for')
    patterns = [*present, *(pattern for pattern in CACHED_PROCESSES if pattern not in present)]
    config = get_config()
    config.set_option('caching.enabled_for', patterns, scope=profile.name)
    config.store()
    running = get_daemon_client(profile.name).is_daemon_running
    hint = f'; the running daemon takes it up with: verdi -p {profile.name} daemon restart' if running else ''
    return Step(f'caching of osc processes: switched on{hint}', changed=True)


def is_caching_on() -> bool:
    """Return whether the loaded profile caches the processes that we use."""
    from aiida.common.exceptions import ConfigurationError
    from aiida.manage.caching import get_use_cache

    used = [f'aiida.calculations:{name}' for name in (CODE_PLUGIN, 'orca.orca', 'gaussian')]
    try:
        return all(get_use_cache(identifier=identifier) for identifier in used)
    except ConfigurationError:  # contradicting patterns of the user: his to resolve
        return False


def find_computer():
    """Return the tuned local computer of the loaded profile, or None."""
    from aiida.common.exceptions import NotExistent
    from aiida.orm import load_computer

    for label in COMPUTER_LABELS:
        try:
            computer = load_computer(label)
        except NotExistent:
            continue
        if is_tuned(computer):
            return computer
    return None


def is_tuned(computer) -> bool:
    """Return whether a computer is this machine, without login shell and waiting between connections."""
    if (computer.transport_type, computer.scheduler_type) != ('core.local', 'core.direct'):
        return False
    if not computer.is_configured:
        return False
    settings = computer.get_configuration()
    return settings.get('use_login_shell') is False and settings.get('safe_interval') == 0


def ensure_computer(profile):
    """Return the tuned local computer with the step; a computer that is set up otherwise is never touched."""
    from aiida.orm import Computer

    computer = find_computer()
    if computer is not None:
        return computer, Step(f'computer {computer.label}: there')
    taken = {label for label in COMPUTER_LABELS if _has_computer(label)}
    free = [label for label in COMPUTER_LABELS if label not in taken]
    if not free:
        raise OscError(
            f'the computers {" and ".join(COMPUTER_LABELS)} exist but are not set up as aiida-osc needs them; run: '
            f'verdi -p {profile.name} computer configure core.local {COMPUTER_LABELS[-1]} '
            '--no-use-login-shell --safe-interval 0 -n'
        )
    computer = Computer(
        label=free[0],
        hostname='localhost',
        description='This machine, set up by aiida-osc',
        transport_type='core.local',
        scheduler_type='core.direct',
        workdir=str(scratch_folder(profile)).replace('{', '{{').replace('}', '}}'),
    ).store()
    computer.configure(safe_interval=0, use_login_shell=False)
    computer.set_minimum_job_poll_interval(POLL_INTERVAL)
    computer.set_default_mpiprocs_per_machine(cores())
    return computer, Step(
        f'computer {computer.label}: made ({cores()} cores, jobs below {computer.get_workdir()})', True
    )


def scratch_folder(profile) -> Path:
    """Return the folder of the jobs of a profile on this machine."""
    from aiida.manage.configuration import get_config

    return Path(get_config().dirpath) / 'scratch' / profile.name


def _has_computer(label: str) -> bool:
    from aiida.orm import Computer, QueryBuilder

    return QueryBuilder().append(Computer, filters={'label': label}).count() > 0


def find_code(computer, label: str = CODE_LABEL):
    """Return the newest code of that label on a computer, or None."""
    from aiida.orm import Computer, InstalledCode, QueryBuilder

    query = QueryBuilder()
    query.append(Computer, filters={'uuid': computer.uuid}, tag='computer')
    query.append(InstalledCode, with_computer='computer', filters={'label': label}, tag='code')
    return query.order_by({'code': {'id': 'desc'}}).first(flat=True)


def ensure_code(computer, python: str | None):
    """Return the xTB code with the step: a Python interpreter that has tblite and rdkit.

    :param python: path of the interpreter; the present code's, or this one, when not given.
    :raises OscError: when the interpreter lacks the engine.
    """
    code = find_code(computer)
    if code is not None and python in (None, str(code.filepath_executable)):
        try:
            return code, Step(f'code {code.full_label}: there ({_engine_text(str(code.filepath_executable))})')
        except OscError:
            if python is not None:
                raise
    executable = python or sys.executable
    engine = _engine_text(executable)
    if code is not None:
        retire_code(code)
    code = _make_code(computer, executable)
    return code, Step(f'code {code.full_label}: made ({engine})', changed=True)


def _engine_text(python: str) -> str:
    versions = check_engine(python)
    return ', '.join([python, *(f'{name} {version}' for name, version in versions.items())])


def retire_code(code) -> None:
    """Free the label of a code that is no longer used; the node stays, as part of the provenance."""
    code.label = f'{code.label}-{code.pk}'
    code.is_hidden = True


def _make_code(computer, executable: str):
    from aiida.orm import InstalledCode

    return InstalledCode(
        label=CODE_LABEL,
        description='Python interpreter with tblite and RDKit for the four-point scheme at xTB level',
        computer=computer,
        filepath_executable=executable,
        default_calc_job_plugin=CODE_PLUGIN,
        with_mpi=False,
    ).store()
