"""A discovery campaign as plain records, read from the provenance graph alone."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from aiida.orm import Data, Dict, ProcessNode

from aiida_osc.active_learning.history import build_history, records_of
from aiida_osc.active_learning.settings import SelectionSettings, promotion_rules
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.provenance.graph import CallTree, Process, call_tree, load_data
from aiida_osc.provenance.molecules import Iteration, Labelled, molecule_records
from aiida_osc.report.records import BATCH, CONTROL, CampaignRecord, Cost, ModelRecord, NodeRef

STEP = re.compile(r'^iteration_(\d+)_(\w+)$')
#: Computes many molecules, and one.
JOB, SINGLE = 'osc.fourpoint_batch', 'osc.fourpoint'
#: Processes that compute labels: what single calculations give counts for more than what a batch job gave before.
MAKERS = (JOB, 'osc.derive_fourpoint')
TRAININGS = {'train_surrogate': 'surrogate', 'train_jtvae': 'jtvae'}


def read_campaign(node: ProcessNode) -> CampaignRecord:
    """Return everything that the graph knows about the campaign ``node``, finished or not."""
    return CampaignReader(node).record()


class CampaignReader:
    """Reads a campaign: the calls by a handful of queries, all data nodes by one, each table at most once."""

    def __init__(self, node: ProcessNode):
        """Read the calls below ``node``.

        :param node: the process node of the campaign.
        """
        self.node = node
        self.tree: CallTree = call_tree(int(node.pk))  # type: ignore[arg-type]
        self._tables: dict[int, Any] = {}

    @cached_property
    def _data(self) -> dict[int, Any]:
        """Return the data nodes by pk."""
        processes = self.tree.processes.values()
        return load_data(ref.pk for item in processes for ref in (*item.inputs.values(), *item.outputs.values()))

    def load(self, ref: NodeRef | None) -> Any:
        """Return the table, dictionary or value of a data node, the metrics of a model; None for no node."""
        if ref is None:
            return None
        if ref.pk not in self._tables:
            self._tables[ref.pk] = _content(self._data[ref.pk])
        return self._tables[ref.pk]

    def numbers(self) -> list[int]:
        """Return the numbers of the iterations that have begun; the initial training is none."""
        steps = (STEP.match(item.call) for item in self.tree.children())
        return sorted({int(found[1]) for found in steps if found and int(found[1]) > 0})

    def step(self, number: int, name: str) -> Process | None:
        """Return a step of an iteration, None when it has not begun."""
        return self.tree.step(f'iteration_{number:02d}_{name}')

    def output(self, number: int, step: str, name: str) -> NodeRef | None:
        """Return an output of a step, None when it is not there."""
        process = self.step(number, step)
        return None if process is None else process.outputs.get(name)

    def iterations(self) -> Iterator[Iteration]:
        """Yield what each iteration left behind."""
        for number in self.numbers():
            predict = self.step(number, 'predict')
            generate = self.step(number, 'generate')
            yield Iteration(
                number=number,
                generate=generate,
                predict=predict,
                select=self.step(number, 'select'),
                parts={name: (ref, self.load(ref)) for name, ref in self._parts(number) if ref is not None},
                labelled={
                    key: value for step in ('label', 'label_control') for key, value in self._labelled(number, step)
                },
            )

    def _parts(self, number: int) -> list[tuple[str, NodeRef | None]]:
        """Return the nodes of an iteration, by the names that a history uses."""
        predict = self.step(number, 'predict')
        return [
            ('generated', self.output(number, 'generate', 'molecules')),
            ('mean', self.output(number, 'predict', 'mean')),
            ('sigma', self.output(number, 'predict', 'sigma')),
            ('batch', self.output(number, 'select', 'batch')),
            ('control', self.output(number, 'select', 'control')),
            ('ranking', self.output(number, 'select', 'ranking')),
            ('labels', self.output(number, 'label', 'labels')),
            ('control_labels', self.output(number, 'label_control', 'labels')),
            ('failures', self.output(number, 'label', 'failures')),
            ('control_failures', self.output(number, 'label_control', 'failures')),
            ('model', None if predict is None else predict.inputs.get('model')),
        ]

    def _labelled(self, number: int, step: str) -> Iterator[tuple[str, Labelled]]:
        """Yield the origin of the labels of each molecule: the job that computed them, else the whole step."""
        process = self.step(number, step)
        if process is None:
            return
        below = self.tree.below(process.pk)
        jobs = [item for maker in MAKERS for item in below if item.entry_point == maker]
        for source in (process, *jobs):
            labels = source.outputs.get('labels')
            if labels is None:
                continue
            table = self.load(labels)
            for row, key in enumerate(table.inchikeys):
                yield key, Labelled(source, labels, table, row)

    def models(self) -> list[ModelRecord]:
        """Return every model that the campaign was given or trained."""
        given = [
            self._model(self.tree.root.inputs[name], 0, None)
            for name in ('surrogate', 'generator')
            if name in self.tree.root.inputs
        ]
        trained = []
        for process in self.tree.children():
            found = STEP.match(process.call)
            if found and found[2] in TRAININGS and 'model' in process.outputs:
                trained.append(self._model(process.outputs['model'], int(found[1]), process))
        return given + trained

    def _model(self, ref: NodeRef, number: int, training: Process | None) -> ModelRecord:
        node = self._data[ref.pk]
        source = None if training is None else training.inputs.get('molecules')
        seed = None if training is None else training.inputs.get('seed')
        kind, choice = node.base.attributes.get('kind'), node.base.attributes.get('choice', {})
        return ModelRecord(
            node=NodeRef(ref.uuid, ref.pk, kind),
            kind=f'{kind} ({choice["family"]})' if choice else kind,
            iteration=number,
            metrics=node.base.attributes.get('metrics'),
            epochs=node.base.attributes.get('progress', {}).get('epoch'),
            seed=self.load(seed),
            trained_on=source,
            molecules=None if source is None else self._data[source.pk].base.attributes.get('count'),
        )

    def history(self, iterations: list[Iteration], families: Any, rules: Any) -> dict[str, Any]:
        """Return the history of a campaign that has not written it yet."""
        parts = {
            f'{name}_{item.number:02d}': value
            for item in iterations
            for name, (_, value) in item.parts.items()
            if name != 'ranking'
        }
        return build_history(records_of(parts), families, rules, initial=self.load(self.tree.root.inputs['molecules']))

    def record(self) -> CampaignRecord:
        """Return the campaign."""
        root = self.tree.root
        selection = self.load(root.inputs.get('settings__selection')) or {}
        rules_ref = root.inputs.get('settings__promotion')
        rules = self.load(rules_ref) or {}
        families = SelectionSettings.from_dict(selection).families()
        windows = promotion_rules(rules) if rules else {}
        iterations = list(self.iterations())
        history_ref = root.outputs.get('history')
        models = self.models()
        return CampaignRecord(
            node=root.ref('campaign'),
            label=root.label or root.name or '',
            state=root.state or 'created',
            message=root.exit_message,
            created=root.created,
            modified=root.modified,
            budget=self.load(root.inputs.get('budget')) or {},
            seed=self.load(root.inputs.get('seed')),
            history=self.load(history_ref) or self.history(iterations, families, windows),
            history_node=history_ref,
            initial=self.load(root.inputs['molecules']),
            initial_node=NodeRef(root.inputs['molecules'].uuid, root.inputs['molecules'].pk, 'initial molecules'),
            objectives=families,
            rules=rules,
            rules_node=rules_ref,
            molecules=tuple(item for step in iterations for item in molecule_records(step, windows)),
            models=tuple(models),
            nodes=tuple(_all_nodes(self.tree)),
            versions=self._versions(models),
            costs=tuple(_costs(iterations)),
        )

    def _versions(self, models: list[ModelRecord]) -> dict[str, str]:
        """Return the versions that the labelling jobs and the models recorded."""
        versions: dict[str, str] = {}
        for model in models:
            versions |= self._data[model.node.pk].base.attributes.get('versions', {})
        for job in self.tree.processes.values():
            if job.entry_point in MAKERS and 'results' in job.outputs:
                versions |= self.load(job.outputs['results']).get('versions', {})
        return {name: str(value) for name, value in sorted(versions.items())}


def _content(node: Data) -> Any:
    """Return what a data node holds; of a model the metrics, as its weights are not looked at."""
    if isinstance(node, ModelData):
        return node.base.attributes.get('metrics')
    if isinstance(node, MoleculeSetData):
        return node.load()
    return node.get_dict() if isinstance(node, Dict) else node.value


def _all_nodes(tree: CallTree) -> Iterator[NodeRef]:
    """Yield every process and every node that one of them made, once."""
    seen: set[int] = set()
    for process in sorted(tree.processes.values(), key=lambda item: item.pk):
        step = process.call or process.name or process.entry_point
        for ref in (process.ref(f'{step}: {process.label or process.entry_point}'), *process.outputs.values()):
            if ref.pk not in seen:
                seen.add(ref.pk)
                yield NodeRef(ref.uuid, ref.pk, ref.what if ref.pk == process.pk else f'{step}: output {ref.what}')


def _costs(iterations: list[Iteration]) -> Iterator[Cost]:
    """Yield the CPU, wall and engine seconds of every labelling step."""
    for item in iterations:
        for role, name in ((BATCH, 'failures'), (CONTROL, 'control_failures')):
            node = item.node(name)
            if node is None:
                continue
            totals = item.content(name).get('totals', {})
            for key in sorted(totals):
                if key.endswith('_seconds'):
                    yield Cost(item.number, role, key, float(totals[key]), node)
