"""Checks of ``aiida-osc doctor`` on processes: dead, lost, unsealed, paused."""

from functools import partial
from typing import cast

from aiida_osc.cli.daemon import WORKERS, daemon_client, worker_pids
from aiida_osc.cli.findings import Finding
from aiida_osc.cli.liveness import ACTIVE_STATES, dead_processes, unsealed_processes

_SHOWN = 8  # process numbers named in one line; the cure names all


def check_processes(profile) -> list[Finding]:
    """Find processes that nobody works on any more, and ended ones that were left unsealed."""
    from aiida.orm import load_node

    ended = {pk for pk, state in unsealed_processes().items() if state not in ACTIVE_STATES}
    dead = dead_processes(profile)
    functions = [pk for pk in dead if _is_function(load_node(pk))]
    lost = [pk for pk in dead if pk not in functions]
    unsealed = sorted(ended & {pk for pk, state in unsealed_processes().items() if state not in ACTIVE_STATES})
    return [*_dead_functions(profile, functions), *_lost_tasks(profile, lost), *_unsealed(profile, unsealed)]


def _is_function(node) -> bool:
    from aiida.orm import CalcFunctionNode, WorkFunctionNode

    return isinstance(node, CalcFunctionNode | WorkFunctionNode)


def _dead_functions(profile, pks: list[int]) -> list[Finding]:
    """A function lives inside its worker only: nothing can continue it, its caller runs it again."""
    if not pks:
        return []
    text = f'{_named(pks)} died with the worker that ran it and blocks archives'
    return [Finding('error', text, f'aiida-osc doctor --profile {profile.name} --fix', partial(_kill_and_seal, pks))]


def _kill_and_seal(pks: list[int]) -> None:
    from aiida.orm import load_node

    for pk in pks:
        node = load_node(pk)
        node.set_process_state('killed')
        node.set_process_status('its worker died')
        node.seal()


def _lost_tasks(profile, pks: list[int]) -> list[Finding]:
    """A job or workflow without a task in the broker is never picked up; a new task lets it go on."""
    if not pks:
        return []
    verdi = f'verdi -p {profile.name}'
    numbers = ' '.join(map(str, pks))
    text = f'{_named(pks)} waits for the daemon, which has no task for it'
    if worker_pids(daemon_client(profile)):
        return [Finding('error', text, f'{verdi} devel rabbitmq tasks revive --force {numbers}', partial(_revive, pks))]
    cure = f'{verdi} process repair && {verdi} daemon start {WORKERS}'
    return [Finding('error', text, cure)]


def _revive(pks: list[int]) -> None:
    from aiida.engine.processes.control import revive_processes
    from aiida.orm import ProcessNode, load_node

    revive_processes([cast(ProcessNode, load_node(pk)) for pk in pks])


def _unsealed(profile, pks: list[int]) -> list[Finding]:
    if not pks:
        return []
    text = f'{_named(pks)} has ended but is not sealed and blocks archives'
    return [Finding('error', text, f'aiida-osc doctor --profile {profile.name} --fix', partial(_seal, pks))]


def _seal(pks: list[int]) -> None:
    from aiida.orm import load_node

    for pk in pks:
        load_node(pk).seal()


def check_paused(profile) -> list[Finding]:
    """Find paused processes: AiiDA pauses a job when its computer cannot be reached five times."""
    paused = paused_processes()
    by_hand = [pk for pk, status in paused.items() if 'aused through' in (status or '')]
    by_failure = [pk for pk in paused if pk not in by_hand]
    findings = []
    if by_failure:
        cure = f'verdi -p {profile.name} process play {" ".join(map(str, by_failure))}'
        text = f'{_named(by_failure)} was paused after failures ({paused[by_failure[0]] or "no reason given"})'
        findings.append(Finding('warning', text, cure, partial(_play, by_failure)))
    if by_hand:
        cure = f'verdi -p {profile.name} process play {" ".join(map(str, by_hand))}'
        findings.append(Finding('note', f'{_named(by_hand)} was paused by hand', cure))
    return findings


def paused_processes() -> dict[int, str | None]:
    """Return ``{pk: process status}`` of the active processes that are paused."""
    from aiida.orm import ProcessNode, QueryBuilder

    filters = {'attributes.paused': True, 'attributes.process_state': {'in': [s for s in ACTIVE_STATES if s]}}
    query = QueryBuilder().append(ProcessNode, filters=filters, project=['id', 'attributes.process_status'])
    return dict(sorted(query.all()))


def _play(pks: list[int]) -> None:
    from aiida.engine.processes.control import play_processes
    from aiida.orm import ProcessNode, load_node

    play_processes([cast(ProcessNode, load_node(pk)) for pk in pks])


def _named(pks: list[int]) -> str:
    shown = ', '.join(map(str, pks[:_SHOWN])) + (' ...' if len(pks) > _SHOWN else '')
    return f'process {shown}' if len(pks) == 1 else f'each of {len(pks)} processes ({shown})'
