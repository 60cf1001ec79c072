"""Start, count and restart the workers of AiiDA's daemon."""

from aiida_osc.cli.installation import Step
from aiida_osc.errors import OscError

WORKERS = 2  # a training piece keeps one busy, the other goes on with the rest
SQLITE_WORKERS = 2  # above, workers wait for each other's lock on the database
TIMEOUT = 60  # seconds


def daemon_client(profile):
    """Return AiiDA's client for the daemon of the profile."""
    from aiida.engine.daemon.client import get_daemon_client

    return get_daemon_client(profile.name)


def worker_pids(client) -> list[int] | None:
    """Return the process ids of the workers; None when the daemon is not running."""
    from aiida.engine.daemon.client import DaemonException, DaemonNotRunningException, DaemonStalePidException

    try:
        info = client.get_worker_info(timeout=5).get('info', {})
    except (DaemonNotRunningException, DaemonStalePidException):
        return None
    except DaemonException:  # busy: it answers late
        return _children_of_daemon(client)
    return [int(pid) for pid in info] if isinstance(info, dict) else []


def _children_of_daemon(client) -> list[int] | None:
    import psutil

    try:
        children = psutil.Process(client.get_daemon_pid()).children()
        return [child.pid for child in children if child.cmdline()[-2:] == ['daemon', 'worker']]
    except psutil.Error:
        return None


def start_workers(profile, workers: int) -> None:
    """Start the daemon.

    :raises OscError: when it does not start.
    """
    from aiida.common.exceptions import ConfigurationError
    from aiida.engine.daemon.client import DaemonException

    client = daemon_client(profile)
    try:
        client.start_daemon(number_workers=workers, timeout=TIMEOUT)
        client._await_condition(lambda: _is_up(client), DaemonException('no worker came up'), timeout=TIMEOUT)
    except (DaemonException, ConfigurationError) as exception:
        reason = str(exception).strip().splitlines()[-1]
        raise OscError(f'the daemon does not start ({reason}); see {client.daemon_log_file}') from None


def _is_up(client) -> bool:
    from aiida.manage import get_manager

    check = getattr(get_manager().get_broker(), 'check_service_reachable', None)
    return bool(worker_pids(client)) and (check is None or check())


def ensure_workers(profile, workers: int) -> Step:
    """Start the daemon, or add the workers it lacks; never stop one."""
    if profile.process_control_backend is None:
        raise OscError(
            f'profile {profile.name} has no message broker, so nothing can be submitted in it; '
            f'run: verdi profile configure-broker core.zeromq {profile.name}'
        )
    client = daemon_client(profile)
    running = worker_pids(client)
    if running is None:
        start_workers(profile, workers)
        return Step(f'daemon: started with {workers} workers', changed=True)
    if len(running) < workers:
        client.increase_workers(workers - len(running), timeout=TIMEOUT, wait=True)
        return Step(f'daemon: {workers - len(running)} workers added, {workers} now', changed=True)
    return Step(f'daemon: running with {len(running)} workers')
