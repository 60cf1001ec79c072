"""A structure for every molecule: from a model where that is plausible, else by embedding, at last from the graph."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from rdkit import Chem, rdBase

from aiida_osc.chem.handedness import reflect
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.diffusion.embedding import GRAPH, LINKS, Embedder, graph_positions
from aiida_osc.diffusion.plausible import Blueprint, Fault
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens
from aiida_osc.settings import Settings

if TYPE_CHECKING:
    # Without a model nothing here needs torch, which takes longer to import than a molecule to embed.
    from aiida_osc.diffusion.molecules.model import ConformerModel
    from aiida_osc.training.artifact import ModelArtifact

MODEL = 'model'
REFLECTED = 'reflected'
#: Links that leave the handedness to chance are asked again, each time with another seed.
_ATTEMPTS = {'distance geometry': 8, GRAPH: 8}
_LARGEST_SEED = 2**31 - 1 - max(_ATTEMPTS.values())
#: Called with the number of molecules that have a structure, and of all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class GeometrySettings(Settings):
    """How structures are made.

    :param embed_timeout: wall seconds per attempt to embed a molecule.
    :param sampling: settings of the model's sampler, keys of its ``SampleSettings``; empty for its defaults.
    """

    embed_timeout: float = 30.0
    sampling: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values.

        :raises OscError: when one makes no sense.
        """
        if self.embed_timeout < 1:
            raise OscError(f'embed_timeout is {self.embed_timeout}: give at least one second')
        if not isinstance(self.sampling, dict):
            raise OscError(f'sampling is {self.sampling!r}: give settings of the sampler by name')


@dataclass(frozen=True)
class Geometries:
    """One structure per molecule, and where it comes from.

    :param table: the structures, in the order of the molecules.
    :param origins: by InChIKey, what made the structure: ``model``, ``ETKDGv3+MMFF94``, ...
    :param refusals: by InChIKey, why earlier links of the chain were refused; only where there were some.
    :param flagged: by InChIKey, what is wrong with the structure, where no link made a plausible one.
    """

    table: GeometryTable
    origins: dict[str, str]
    refusals: dict[str, tuple[str, ...]]
    flagged: dict[str, str]

    def counts(self) -> dict[str, int]:
        """Return how many structures each origin made."""
        return dict(sorted(Counter(self.origins.values()).items()))

    def report(self) -> dict[str, Any]:
        """Return counts, origins, refusals and flags as JSON values."""
        return {
            'molecules': len(self.table),
            'counts': self.counts(),
            'origins': dict(self.origins),
            'refusals': {key: list(reasons) for key, reasons in self.refusals.items()},
            'flagged': dict(self.flagged),
        }

    @classmethod
    def from_report(cls, table: GeometryTable, report: dict[str, Any]) -> 'Geometries':
        """Return what :meth:`report` was made of."""
        refusals = {key: tuple(reasons) for key, reasons in report['refusals'].items()}
        return cls(table, report['origins'], refusals, report['flagged'])


@dataclass(frozen=True)
class _Candidate:
    origin: str
    positions: np.ndarray
    fault: Fault | None


def open_model(artifact: 'ModelArtifact') -> 'ConformerModel':
    """Return the conformer model in an artifact.

    :raises OscError: when it holds a model of another kind, one for fields on grids, or a damaged one.
    """
    from aiida_osc.diffusion.molecules.model import ConformerModel

    return ConformerModel.from_artifact(artifact)


def make_geometries(
    smiles: Sequence[str],
    inchikeys: Sequence[str],
    model: 'ConformerModel | None' = None,
    settings: GeometrySettings | None = None,
    *,
    seed: int,
    progress: Progress | None = None,
) -> Geometries:
    """Return one structure for every molecule; whatever fails, the next link of the chain is tried.

    The chain: the model; ETKDGv3 with MMFF94; the same from random coordinates; distance geometry that enforces
    nothing; the graph. What a link makes counts when it is plausible: bonds, distances, handedness, flat rings. Where
    no link makes that, the least wrong structure is kept and flagged.

    :param smiles: valid SMILES; atoms of a structure have the order of the SMILES, hydrogens after them.
    :param inchikeys: names of the molecules, unique.
    :param model: a trained conformer model; None for none.
    :raises OscError: when a SMILES is not valid, keys repeat or a setting makes no sense.
    """
    settings = settings or GeometrySettings()
    if len(smiles) != len(inchikeys) or len(set(inchikeys)) != len(inchikeys):
        raise OscError('every molecule needs one InChIKey of its own: merge the rows that repeat')
    if not 0 <= seed < _LARGEST_SEED:
        raise OscError(f'seed {seed}: RDKit takes numbers from 0 to {_LARGEST_SEED - 1}')
    mols = [with_hydrogens(item) for item in smiles]
    drawn = _ask_model(model, smiles, settings, seed)
    chosen, refusals = [], {}
    with Embedder(settings.embed_timeout) as embedder, rdBase.BlockLogs():
        for number, (item, mol, key) in enumerate(zip(smiles, mols, inchikeys, strict=True)):
            candidate, reasons = _first_plausible(item, mol, drawn[number], embedder, seed)
            chosen.append(candidate)
            if reasons:
                refusals[key] = reasons
            if progress is not None:
                progress(number + 1, len(smiles))
    return _collect(mols, inchikeys, chosen, refusals)


def _ask_model(
    model: 'ConformerModel | None', smiles: Sequence[str], settings: GeometrySettings, seed: int
) -> list[np.ndarray | str | None]:
    """Return for each molecule the model's positions, the reason why it has none, or None where no model is asked."""
    if model is None:
        return [None] * len(smiles)
    from aiida_osc.diffusion.molecules.settings import SampleSettings

    found = model.sample(smiles, SampleSettings.from_dict(settings.sampling), seed=seed)
    return [
        (model.reason(item) or 'no structure') if positions is None else np.asarray(positions, dtype=float)
        for item, positions in zip(smiles, found, strict=True)
    ]


def _first_plausible(
    smiles: str, mol: Chem.Mol, drawn: np.ndarray | str | None, embedder: Embedder, seed: int
) -> tuple[_Candidate, tuple[str, ...]]:
    """Return the first plausible structure of the chain, or the least wrong one, and why links were refused."""
    blueprint = Blueprint(mol)
    reasons: dict[str, str] = {}
    candidates: list[_Candidate] = []
    for link in ([MODEL] if drawn is not None else []) + list(LINKS):
        for attempt in range(_ATTEMPTS.get(link, 1)):
            answer = drawn if link == MODEL and drawn is not None else embedder.run(link, smiles, seed=seed + attempt)
            if isinstance(answer, str):
                reasons[link] = answer
                break
            origin, positions = answer if isinstance(answer, tuple) else (MODEL, answer)
            candidate = _judge(blueprint, origin, positions)
            if candidate.fault is None:
                return candidate, _sentences(reasons)
            reasons.setdefault(link, candidate.fault.text)
            if candidate.fault.kind != 'numbers':
                candidates.append(candidate)
    if not candidates:
        candidates = [_judge(blueprint, GRAPH, graph_positions(mol, seed=seed))]
    return min(candidates, key=_gravity), _sentences(reasons)


def _judge(blueprint: Blueprint, origin: str, positions: np.ndarray) -> _Candidate:
    """Return the structure with its fault; a mirror image is turned into what was asked for, and says so."""
    fault = blueprint.fault(positions)
    if fault is not None and fault.kind == 'stereo' and blueprint.handedness.is_mirrored(positions):
        positions, origin = reflect(positions), f'{origin}, {REFLECTED}'
        fault = blueprint.fault(positions)
    return _Candidate(origin, positions, fault)


def _sentences(reasons: dict[str, str]) -> tuple[str, ...]:
    return tuple(f'{link}: {reason}' for link, reason in reasons.items())


def _gravity(candidate: _Candidate) -> int:
    return -1 if candidate.fault is None else candidate.fault.gravity


def _collect(
    mols: Sequence[Chem.Mol], keys: Sequence[str], chosen: Sequence[_Candidate], refusals: dict[str, tuple[str, ...]]
) -> Geometries:
    geometries, origins, flagged = [], {}, {}
    for key, mol, candidate in zip(keys, mols, chosen, strict=True):
        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        geometries.append(Geometry(key, Chem.GetFormalCharge(mol), numbers, candidate.positions))
        origins[key] = candidate.origin
        if candidate.fault is not None:
            flagged[key] = candidate.fault.text
    level = ' / '.join(sorted(set(origins.values()))) or 'none'
    return Geometries(GeometryTable(geometries, level), origins, refusals, flagged)
