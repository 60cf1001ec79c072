"""What a report is made of: plain records, filled by ``provenance/`` and read by everything that draws or writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiida_osc.active_learning.settings import Objective
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable

BATCH, CONTROL = 'batch', 'control'
COMPUTED, PREDICTED = 'computed', 'predicted'
#: A molecule that was chosen and has neither labels nor a reason why not.
PENDING = 'pending'


@dataclass(frozen=True)
class NodeRef:
    """One node of the provenance graph; ``what`` says in words what it is."""

    uuid: str
    pk: int
    what: str


@dataclass(frozen=True)
class Number:
    """One number with its origin.

    :param value: in the canonical unit of the column's target.
    :param sigma: calibrated standard deviation of a prediction; None for what was computed.
    :param kind: ``computed`` or ``predicted``.
    :param node: the data node that holds the number.
    :param process: the process that made that node, the model for a prediction.
    """

    column: Column
    value: float
    sigma: float | None
    kind: str
    node: NodeRef
    process: NodeRef | None = None

    @property
    def unit(self) -> str:
        """Return the unit of value and sigma."""
        return self.column.definition.unit


@dataclass(frozen=True)
class MoleculeRecord:
    """One molecule that a campaign chose, in the batch or in the random control of an iteration.

    :param family: the family that chose it, None in the control.
    :param status: ``computed``, ``flagged``, ``failed``, ``not_treated`` or ``pending``; ``reason`` says why.
    :param hits: families whose promotion windows it lies in.
    :param nodes: what it came from, by step: ``generator``, ``surrogate``, ``select``, ``job``, ``labels``.
    """

    inchikey: str
    smiles: str
    iteration: int
    role: str
    family: str | None
    front: int | None
    status: str
    reason: str | None
    hits: tuple[str, ...]
    numbers: tuple[Number, ...]
    nodes: Mapping[str, NodeRef]

    def find(self, column: Column, kind: str) -> Number | None:
        """Return the number of that column and kind."""
        return next((item for item in self.numbers if item.column == column and item.kind == kind), None)


@dataclass(frozen=True)
class ModelRecord:
    """A model of the campaign: when it was made, from how many molecules, with which metrics."""

    node: NodeRef
    kind: str
    iteration: int
    metrics: Mapping[str, Any]
    epochs: int | None
    seed: int | None
    trained_on: NodeRef | None
    molecules: int | None


@dataclass(frozen=True)
class Cost:
    """Seconds that a labelling step took, such as ``cpu_seconds`` summed over its molecules."""

    iteration: int
    role: str
    name: str
    value: float
    node: NodeRef


@dataclass(frozen=True)
class CampaignRecord:
    """A whole campaign.

    :param state: AiiDA's process state; ``message`` is the exit message of a campaign that did not end well.
    :param history: see :func:`aiida_osc.active_learning.history.build_history`.
    :param history_node: the node that holds it, None while the campaign runs (it is then made from what there is).
    :param initial: labelled molecules that the campaign started from, in the node ``initial_node``.
    :param objectives: objectives per family.
    :param rules: promotion rules as written in the settings.
    :param nodes: every process of the campaign and every node that one of them made.
    :param costs: what the labelling steps took.
    """

    node: NodeRef
    label: str
    state: str
    message: str | None
    created: datetime
    modified: datetime
    budget: Mapping[str, Any]
    seed: int | None
    history: Mapping[str, Any]
    history_node: NodeRef | None
    initial: MoleculeTable
    initial_node: NodeRef
    objectives: Mapping[str, tuple[Objective, ...]]
    rules: Mapping[str, Any]
    rules_node: NodeRef | None
    molecules: tuple[MoleculeRecord, ...] = ()
    models: tuple[ModelRecord, ...] = ()
    nodes: tuple[NodeRef, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    costs: tuple[Cost, ...] = ()

    @property
    def promoted(self) -> tuple[MoleculeRecord, ...]:
        """Return the molecules of the batches that lie in the windows of a family."""
        return tuple(item for item in self.molecules if item.hits and item.role == BATCH)

    def columns(self) -> list[Column]:
        """Return the columns of all objectives."""
        return sorted({item.column for items in self.objectives.values() for item in items})


@dataclass(frozen=True)
class ChainLink:
    """One station on the way from a raw output to the model and data behind a molecule.

    :param title: what happened, as a sentence.
    :param nodes: the nodes concerned.
    :param facts: name and text of what is worth knowing: files, seeds, values.
    """

    title: str
    nodes: tuple[NodeRef, ...]
    facts: tuple[tuple[str, str], ...] = ()
