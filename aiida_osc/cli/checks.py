"""Checks of ``aiida-osc doctor`` on the surroundings: programs, disk, broker, daemon, computer, code, caching."""

import shutil
import sys
from functools import partial
from pathlib import Path

from aiida_osc.cli import installation
from aiida_osc.cli.daemon import SQLITE_WORKERS, WORKERS, daemon_client, ensure_workers, worker_pids
from aiida_osc.cli.findings import Finding
from aiida_osc.cli.liveness import is_reachable, unsealed_processes
from aiida_osc.errors import OscError

FREE_ERROR = 0.5e9  # bytes
FREE_WARNING = 2e9  # bytes


def check_programs(profile) -> list[Finding]:
    """Find out whether ``verdi`` is found; the daemon is started through it."""
    del profile
    if shutil.which('verdi') is not None:
        return []
    folder = Path(sys.executable).parent
    return [Finding('error', 'the program verdi is not on PATH', f'export PATH={folder}:$PATH')]


def check_disk(profile) -> list[Finding]:
    """Find out whether the disk of AiiDA's folder is nearly full."""
    from aiida.manage.configuration import get_config

    folder = get_config().dirpath
    free = shutil.disk_usage(folder).free
    if free > FREE_WARNING:
        return []
    severity = 'error' if free < FREE_ERROR else 'warning'
    cure = f'verdi -p {profile.name} storage maintain --full'
    return [Finding(severity, f'only {free / 1e9:.1f} GB are free on the disk of {folder}', cure)]


def check_daemon(profile) -> list[Finding]:
    """Find out whether daemon and broker run, with how many workers."""
    if profile.process_control_backend is None:
        cure = f'verdi profile configure-broker core.zeromq {profile.name}'
        return [Finding('error', f'profile {profile.name} has no message broker: nothing can be submitted', cure)]
    pids = worker_pids(daemon_client(profile))
    if pids is None:
        waiting = sum(1 for state in unsealed_processes().values() if state in ('created', 'running', 'waiting'))
        text = 'the daemon is not running' + (f', {waiting} processes wait for it' if waiting else '')
        cure = f'verdi -p {profile.name} daemon start {WORKERS}'
        return [Finding('error', text, cure, partial(ensure_workers, profile, WORKERS))]
    return [*_check_workers(profile, len(pids)), *_check_broker(profile)]


def _check_workers(profile, number: int) -> list[Finding]:
    verdi = f'verdi -p {profile.name} daemon'
    if number < WORKERS:
        text = f'the daemon has {number} workers: a training piece blocks all else'
        cure = f'{verdi} incr {WORKERS - number}'
        return [Finding('warning', text, cure, partial(ensure_workers, profile, WORKERS))]
    if number > SQLITE_WORKERS and 'sqlite' in profile.storage_backend:
        text = f'{number} workers on SQLite wait for each other; PostgreSQL serves more'
        return [Finding('warning', text, f'{verdi} decr {number - SQLITE_WORKERS}')]
    return []


def _check_broker(profile) -> list[Finding]:
    from aiida.manage import get_manager

    broker = get_manager().get_broker()
    if is_reachable(broker):
        return []
    verdi = f'verdi -p {profile.name} daemon'
    cure = f'{verdi} stop && {verdi} start {WORKERS}'
    return [Finding('error', f'the daemon runs but its message broker cannot be reached ({broker})', cure)]


def check_daemon_code(profile) -> list[Finding]:
    """Find out whether the daemon runs other code than is installed now."""
    from aiida.cmdline.utils.daemon import validate_daemon_env

    client = daemon_client(profile)
    pids = worker_pids(client)
    if not pids:
        return []
    difference = validate_daemon_env(client)
    if difference is None and not _is_older_than_code(pids):
        return []
    reason = difference.splitlines()[-1] if difference else 'its files have changed since the workers started'
    cure = f'verdi -p {profile.name} daemon restart'
    return [Finding('warning', f'the daemon runs an older aiida-osc ({reason})', cure, partial(_restart, client))]


def _is_older_than_code(pids: list[int]) -> bool:
    import psutil

    package = Path(installation.__file__).parent.parent
    changed = max(path.stat().st_mtime for path in package.rglob('*.py'))
    starts = [psutil.Process(pid).create_time() for pid in pids if psutil.pid_exists(pid)]
    return bool(starts) and min(starts) < changed


def _restart(client) -> None:
    """Restart the workers, but not while a function runs in one: it would have to start again."""
    from aiida.orm import CalcFunctionNode, QueryBuilder

    filters = {'attributes.process_state': 'running', 'attributes.sealed': {'!in': [True]}}
    running = QueryBuilder().append(CalcFunctionNode, filters=filters, project='id').all(flat=True)
    if running:
        raise OscError(f'calcfunction {running[0]} is running and would have to start again; try when it has ended')
    client.restart_daemon(wait=True, timeout=120)


def check_computer(profile) -> list[Finding]:
    """Find out whether the local computer and the xTB code on it are there and work."""
    cure = f'aiida-osc setup --profile {profile.name}'
    computer = installation.find_computer()
    if computer is None:
        fix = partial(_make_computer_and_code, profile)
        return [Finding('error', 'no local computer is set up for xTB jobs', cure, fix)]
    code = installation.find_code(computer)
    if code is None:
        fix = partial(installation.ensure_code, computer, None)
        return [Finding('error', f'computer {computer.label} has no xTB code', cure, fix)]
    try:
        installation.check_engine(str(code.filepath_executable))
    except OscError as exception:
        fix = partial(installation.ensure_code, computer, None)
        return [Finding('error', f'code {code.full_label}: {exception}', cure, fix)]
    return []


def _make_computer_and_code(profile) -> None:
    computer, _ = installation.ensure_computer(profile)
    installation.ensure_code(computer, None)


def check_caching(profile) -> list[Finding]:
    """Find out whether finished calculations are used again."""
    if installation.is_caching_on():
        return []
    cure = f'aiida-osc setup --profile {profile.name} --no-daemon'
    text = 'caching is off: a restarted campaign computes again what it has'
    return [Finding('warning', text, cure, partial(installation.ensure_caching, profile))]
