"""How far campaigns are, as plain records, cheap enough to be asked every other second."""

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiida.orm import CalcJobNode, Data, Dict, ProcessNode, QueryBuilder, WorkChainNode

from aiida_osc.provenance.campaign import JOB, SINGLE, STEP, TRAININGS
from aiida_osc.provenance.find import CAMPAIGN_TYPE
from aiida_osc.provenance.graph import CALLS, ENDED, CallTree, Process, call_tree
from aiida_osc.report.records import NodeRef

PROGRESS_FILE = 'progress.json'
#: Files of other computers are not read: opening a connection every other second would be rude.
LOCAL_TRANSPORT = 'core.local'
COUNTS = ('done', 'ok', 'flagged', 'failed')
LABELLINGS = ('label', 'label_control')


@dataclass(frozen=True)
class StepProgress:
    """One step: ``done`` of ``total`` (molecules or epochs), None where it cannot be told.

    :param iteration: 0 for the initial training, None for what follows the last iteration.
    """

    label: str
    iteration: int | None
    state: str
    ok: bool
    began: datetime
    seconds: float
    done: int | None = None
    total: int | None = None
    detail: str = ''

    @property
    def running(self) -> bool:
        """Return whether the step goes on."""
        return self.state not in ENDED


@dataclass(frozen=True)
class CampaignProgress:
    """One campaign; ``steps`` are in the order in which they began."""

    pk: int
    label: str
    state: str
    message: str | None
    seconds: float
    iteration: int
    iterations: int | None
    computed: int
    molecules: int | None
    steps: tuple[StepProgress, ...] = ()

    @property
    def ended(self) -> bool:
        """Return whether nothing more will come."""
        return self.state in ENDED


def campaign_progress(pk: int) -> CampaignProgress:
    """Return how far the campaign ``pk`` is, with all its steps."""
    tree = call_tree(pk)
    root = tree.root
    attributes = _attributes(tree)
    steps = tuple(_step(tree, process, attributes) for process in tree.children())
    budget = attributes.get(root.inputs['budget'].pk, {}) if 'budget' in root.inputs else {}
    return CampaignProgress(
        pk=pk,
        label=root.label,
        state=root.state or 'created',
        message=root.exit_message,
        seconds=_seconds(root),
        iteration=max((item.iteration or 0 for item in steps), default=0),
        iterations=budget.get('iterations'),
        computed=sum(_labels(process, attributes) for process in tree.children() if process.call.endswith('_label')),
        molecules=budget.get('molecules'),
        steps=steps,
    )


def list_progress() -> list[CampaignProgress]:
    """Return how far every campaign is, newest first, without its steps: three queries in all."""
    fields = ['id', 'label', 'ctime', 'mtime', 'attributes.process_state', 'attributes.exit_message']
    query = QueryBuilder().append(WorkChainNode, filters={'process_type': CAMPAIGN_TYPE}, project=fields, tag='node')
    budgets = _budgets()
    reached, computed = _reached()
    return [
        CampaignProgress(
            pk=pk,
            label=label,
            state=state or 'created',
            message=message,
            seconds=((modified if state in ENDED else datetime.now(UTC)) - created).total_seconds(),
            iteration=reached.get(pk, 0),
            iterations=budgets.get(pk, (None, None))[0],
            computed=computed.get(pk, 0),
            molecules=budgets.get(pk, (None, None))[1],
        )
        for pk, label, created, modified, state, message in query.order_by({'node': {'id': 'desc'}}).all()
    ]


def _budgets() -> dict[int, tuple[int | None, int | None]]:
    query = QueryBuilder().append(WorkChainNode, filters={'process_type': CAMPAIGN_TYPE}, project=['id'], tag='node')
    query.append(
        Dict,
        with_outgoing='node',
        edge_filters={'label': 'budget'},
        project=['attributes.iterations', 'attributes.molecules'],
    )
    return {pk: (iterations, molecules) for pk, iterations, molecules in query.all()}


def _reached() -> tuple[dict[int, int], dict[int, int]]:
    """Return the last iteration, and the molecules computed for the batches, of every campaign."""
    reached: dict[int, int] = {}
    computed: dict[int, int] = {}
    query = QueryBuilder().append(WorkChainNode, filters={'process_type': CAMPAIGN_TYPE}, project=['id'], tag='node')
    query.append(
        ProcessNode, with_incoming='node', edge_filters={'type': {'in': CALLS}}, edge_project=['label'], tag='step'
    )
    query.append(
        Data,
        with_incoming='step',
        edge_filters={'label': 'labels'},
        edge_project=['label'],
        project=['attributes.count'],
        outerjoin=True,
    )
    for pk, count, call, _ in query.all():
        found = STEP.match(call)
        if found:
            reached[pk] = max(reached.get(pk, 0), int(found[1]))
            computed[pk] = computed.get(pk, 0) + (count or 0 if found[2] == 'label' else 0)
    return reached, computed


def _attributes(tree: CallTree) -> dict[int, dict[str, Any]]:
    """Return the few attributes that progress is read from, of all data nodes, by one query."""
    wanted = ('count', 'iterations', 'molecules', 'ok', 'flagged', 'failed', 'progress.epoch', 'progress.epochs')
    pks = {ref.pk for item in tree.processes.values() for ref in (*item.inputs.values(), *item.outputs.values())}
    query = QueryBuilder().append(
        Data, filters={'id': {'in': sorted(pks)}}, project=['id', *(f'attributes.{name}' for name in wanted)]
    )
    return {
        pk: {name: value for name, value in zip(wanted, values, strict=True) if isinstance(value, int)}
        for pk, *values in query.all()
    }


def _step(tree: CallTree, process: Process, attributes: dict[int, dict[str, Any]]) -> StepProgress:
    found = STEP.match(process.call)
    name = found[2] if found else process.call
    done = total = None
    detail = process.exit_message or ''
    if name in LABELLINGS:
        done, total, detail = _labelling(tree, process, attributes)
    elif name in TRAININGS:
        done, total, detail = _training(tree, process, attributes)
    return StepProgress(
        label=re.sub(r'^iteration \d+: ', '', process.label) or name.replace('_', ' '),
        iteration=int(found[1]) if found else None,
        state=process.state or 'created',
        ok=process.ok,
        began=process.created,
        seconds=_seconds(process),
        done=done,
        total=total,
        detail=detail if process.ok or not process.ended else (process.exit_message or process.state or ''),
    )


def _labelling(tree: CallTree, process: Process, attributes: dict[int, dict[str, Any]]) -> tuple[int, int | None, str]:
    """Return molecules done and asked for, and the counts in words."""
    singles = [item for item in tree.children(process.pk) if item.entry_point == SINGLE]
    if singles:
        return _singles(process, singles, attributes)
    jobs = [item for item in tree.below(process.pk) if item.entry_point == JOB]
    counts = dict.fromkeys(COUNTS, 0)
    remote = _remote_counts([item.pk for item in jobs if not item.ended])
    for job in jobs:
        found = attributes.get(job.outputs['results'].pk, {}) if 'results' in job.outputs else remote.get(job.pk, {})
        for name in COUNTS[1:]:
            counts[name] += found.get(name, 0)
        counts['done'] += found.get('done', sum(found.get(name, 0) for name in COUNTS[1:]))
    total = _count(process.inputs.get('molecules'), attributes)
    # A job that was started again counts what it took over; labels that were known before are in no job.
    done = counts['done'] if total is None else total if process.ok else min(counts['done'], total)
    words = [f'{counts[name]} {name}' for name in ('flagged', 'failed') if counts[name]]
    running = sum(not job.ended for job in jobs)
    words += [f'{running} of {len(jobs)} {"job" if len(jobs) == 1 else "jobs"} running'] if running else []
    return done, total, ', '.join(words)


def _singles(
    process: Process, molecules: list[Process], attributes: dict[int, dict[str, Any]]
) -> tuple[int, int | None, str]:
    """Return the counts where each molecule is a work chain of its own."""
    total = _count(process.inputs.get('molecules'), attributes)
    done = sum(item.ended for item in molecules)
    failed, running = sum(item.ended and not item.ok for item in molecules), len(molecules) - done
    words = [f'{count} {name}' for count, name in ((failed, 'failed'), (running, 'running')) if count]
    return (total or done) if process.ok else done, total, ', '.join(words)


def _training(
    tree: CallTree, process: Process, attributes: dict[int, dict[str, Any]]
) -> tuple[int | None, int | None, str]:
    """Return epochs done and planned, and the pieces in words; early stopping may end before the last epoch."""
    pieces = [item for item in tree.children(process.pk) if 'model' in item.outputs]
    if not pieces:
        return None, None, ''
    last = attributes.get(pieces[-1].outputs['model'].pk, {})
    epoch, epochs = last.get('progress.epoch'), last.get('progress.epochs')
    words = f'epoch {epoch}' if epoch is not None else ''
    return epoch, epoch if process.ok else epochs, f'{words}, piece {len(pieces)}'.lstrip(', ')


def _labels(process: Process, attributes: dict[int, dict[str, Any]]) -> int:
    return _count(process.outputs.get('labels'), attributes) or 0


def _count(ref: NodeRef | None, attributes: dict[int, dict[str, Any]]) -> int | None:
    return None if ref is None else attributes.get(ref.pk, {}).get('count')


def _seconds(process: Process) -> float:
    end = process.modified if process.ended else datetime.now(UTC)
    return max(0.0, (end - process.created).total_seconds())


def _remote_counts(pks: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return what the running jobs say of themselves, as far as their folder lies on this computer."""
    wanted = list(pks)
    if not wanted:
        return {}
    nodes = QueryBuilder().append(CalcJobNode, filters={'id': {'in': wanted}}).all(flat=True)
    return {node.pk: counts for node in nodes if (counts := read_remote_progress(node)) is not None}


def read_remote_progress(node: CalcJobNode) -> dict[str, int] | None:
    """Return the counts in ``progress.json`` of a running job, None when it cannot be read now."""
    folder, computer = node.get_remote_workdir(), node.computer
    if folder is None or computer is None or computer.transport_type != LOCAL_TRANSPORT:
        return None
    try:
        with computer.get_transport() as transport, tempfile.TemporaryDirectory() as local:
            path = Path(local, PROGRESS_FILE)
            transport.getfile(str(Path(folder, PROGRESS_FILE)), str(path))
            values = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None  # not written yet, or just being replaced
    if not isinstance(values, dict):
        return None
    return {name: values[name] for name in COUNTS if isinstance(values.get(name), int)}
