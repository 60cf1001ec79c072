"""Which process nodes somebody still works on, found without disturbing anybody.

A process is alive when its task waits in the broker or is held by a worker, when it answers to the broker under its
own number, or when another program that uses the profile may be running it. The task files of the ZeroMQ broker are
read as files on purpose: AiiDA's own queue object moves the tasks that workers hold back to the waiting ones.
"""

import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path

REPLY_SECONDS = 5.0  # a worker in the middle of a calculation answers late; no answer counts as alive
SECOND_LOOK_SECONDS = 2.0  # a submission stores the node first and sends the task then
ACTIVE_STATES = (None, 'created', 'running', 'waiting')
_NOT_THERE = ('Recipient not found', 'No handler for')


def dead_processes(profile, nodes_of: dict[int, str | None] | None = None) -> list[int]:
    """Return the pks of unsealed processes that are not terminated and that nobody works on.

    Two looks with a pause between them agree, so a process that is just being submitted or is just ending is not named.
    """
    first = _dead_now(profile, unsealed_processes() if nodes_of is None else nodes_of)
    if not first:
        return []
    time.sleep(SECOND_LOOK_SECONDS)
    second = _dead_now(profile, unsealed_processes())
    return sorted(set(first) & set(second))


def unsealed_processes() -> dict[int, str | None]:
    """Return ``{pk: process state}`` of all processes that are not sealed."""
    from aiida.orm import ProcessNode, QueryBuilder

    end_transaction()
    query = QueryBuilder().append(ProcessNode, project=['id', 'attributes.process_state', 'attributes.sealed'])
    return {pk: state for pk, state, sealed in query.all() if not sealed}


def end_transaction() -> None:
    """Let the next query see what other programs have written."""
    from aiida.manage import get_manager

    storage = get_manager().get_profile_storage()
    if hasattr(storage, 'get_session'):
        storage.get_session().commit()


def _dead_now(profile, unsealed: dict[int, str | None]) -> list[int]:
    from aiida.manage import get_manager
    from aiida.orm import load_node

    active = [pk for pk, state in unsealed.items() if state in ACTIVE_STATES]
    if not active:
        return []
    broker = get_manager().get_broker()
    queued = queued_processes(broker)
    suspects = [pk for pk in active if pk not in queued]
    held = answering_processes(broker, suspects)
    programs = other_programs(profile)
    return [pk for pk in suspects if pk not in held and not _may_run_elsewhere(load_node(pk), queued, programs)]


def queued_processes(broker) -> set[int]:
    """Return the pks of the processes with a task in the broker, waiting or held by a worker."""
    if broker is None:
        return set()
    storage = getattr(broker, '_storage_path', None)
    if storage is not None:
        return _pids(_zeromq_bodies(Path(storage) / 'tasks'))
    # RabbitMQ shows the waiting tasks only; those that workers hold answer to the broker.
    return _pids(task.body for task in broker.iterate_tasks())


def _zeromq_bodies(folder: Path) -> Iterable[object]:
    for state in ('pending', 'processing'):  # in the order in which a task moves
        for path in sorted((folder / state).glob('*.json')):
            try:
                yield json.loads(path.read_text()).get('body')
            except (OSError, json.JSONDecodeError):  # taken or finished meanwhile
                continue


def _pids(bodies: Iterable[object]) -> set[int]:
    arguments = [body.get('args') or {} for body in bodies if isinstance(body, dict)]
    return {int(entry['pid']) for entry in arguments if 'pid' in entry}


def answering_processes(broker, pks: list[int]) -> set[int]:
    """Return the pks that some running program has registered with the broker; silence counts as an answer."""
    if broker is None or not pks or not is_reachable(broker):
        return set()
    from plumpy.process_comms import MessageBuilder

    communicator = broker.get_communicator()
    replies = {}
    for pk in pks:
        try:
            replies[pk] = communicator.rpc_send(pk, MessageBuilder.status())
        except Exception as exception:
            if not _says_not_there(exception):
                raise
    deadline = time.monotonic() + REPLY_SECONDS
    return {pk for pk, reply in replies.items() if _is_held(reply, max(0.1, deadline - time.monotonic()))}


def _is_held(reply, seconds: float) -> bool:
    try:
        reply.result(timeout=seconds)
    except FutureTimeoutError:
        return True
    except Exception as exception:  # the broker passes on any exception of the other side
        return not _says_not_there(exception)
    return True


def _says_not_there(exception: Exception) -> bool:
    from kiwipy import UnroutableError

    return isinstance(exception, UnroutableError) or any(text in str(exception) for text in _NOT_THERE)


def is_reachable(broker) -> bool:
    """Return whether the broker can be talked to."""
    check = getattr(broker, 'check_service_reachable', None)
    if check is not None:
        return bool(check())
    try:
        broker.get_communicator()
    except Exception:  # each broker has its own connection errors
        return False
    return True


def other_programs(profile) -> list[float]:
    """Return the start times (s since 1970) of the programs that have the profile open, other than the daemon and us.

    AiiDA keeps a record of each: a file with the process id and the command.
    """
    import psutil
    from aiida.manage.configuration.settings import AiiDAConfigPathResolver

    times = []
    for record in (AiiDAConfigPathResolver().access_control_dir / profile.name).glob('*.pid'):
        if int(record.stem) == os.getpid():
            continue
        try:
            program = psutil.Process(int(record.stem))
            command = program.cmdline()
            if record.read_text() == str(command) and not is_daemon(command):
                times.append(program.create_time())
        except (psutil.Error, OSError):  # gone
            continue
    return times


def is_daemon(command: list[str]) -> bool:
    """Return whether a command line is that of a daemon, of one of its workers or of its broker."""
    return 'daemon' in command and any(Path(part).name == 'verdi' for part in command[:3])


def _may_run_elsewhere(node, queued: set[int], programs: list[float]) -> bool:
    """Return whether a program outside the daemon may be running the process.

    A nested process runs where its outermost caller runs: it is dead when that one ended or belongs to the daemon.
    """
    root = node
    while root.caller is not None:
        root = root.caller
    if root.pk != node.pk and (root.pk in queued or root.is_terminated):
        return False
    return any(started < node.ctime.timestamp() for started in programs)
