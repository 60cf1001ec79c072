"""Sampling new molecules: latent vectors are drawn, led to the windows and decoded; what is kept has a reason to be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from aiida_osc.chem.molecules import MoleculeError, parse_smiles, standardise_mol
from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.generator.filters import MoleculeFilter
from aiida_osc.generator.guidance import Demand, make_demands
from aiida_osc.generator.latents import Anchors, Draw, LatentSource, find_anchors, make_source
from aiida_osc.generator.sample_settings import PRIOR, SampleSettings
from aiida_osc.qc.levels import SA_SCORE

if TYPE_CHECKING:
    from aiida_osc.generator.generator import Generator

SOURCE = 'jtvae'
OUTSIDE = 'outside the windows'
_ROUND = 256
#: Latent vectors between one lesson and the next of a source that learns.
_GENERATION = 32
#: What helps against the commonest reasons.
_CURES = {
    OUTSIDE: 'move the windows to where the training molecules lie',
    'duplicate': 'raise noise or temperature',
    'known': 'raise noise or temperature',
    'not needed': 'the windows of one family are hardly ever met',
}


@dataclass(frozen=True)
class Candidate:
    """A molecule that passed the filters, and how it came about.

    :param attempt: number of its decoding, from 0.
    :param how: what made its latent vector: ``prior``, ``around``, ``between`` or ``ascent``.
    :param parents: SMILES of the molecules that the vector was made from.
    :param aim: family whose windows the vector was led to, None for none.
    :param inside: families whose windows the molecule lies in, by the property heads.
    """

    smiles: str
    inchikey: str
    attempt: int
    how: str
    parents: tuple[str, ...]
    aim: str | None
    inside: tuple[str, ...] = ()

    def origin(self) -> dict[str, Any]:
        """Return how the molecule came about, as JSON values."""
        record = {'attempt': self.attempt, 'how': self.how, 'parents': list(self.parents)}
        aimed = {} if self.aim is None else {'aim': self.aim}
        return {**record, **aimed, **({'inside': list(self.inside)} if self.inside else {})}


@dataclass(frozen=True)
class SampleResult:
    """What sampling gave.

    :param molecules: new molecules with source ``jtvae`` and their SA scores.
    :param report: counts of attempts and rejections by reason, the shares that are valid, unique and new, and why
        sampling stopped before it had enough.
    :param origins: InChIKey -> number of the decoding, how the latent vector was made and its parents; with the same
        model, settings, seed and known molecules the same decoding gives the same molecule.
    """

    molecules: MoleculeTable
    report: dict[str, Any]
    origins: dict[str, Any]


class Sampler:
    """One run of sampling; the same model, settings and seed give the same molecules."""

    def __init__(
        self,
        model: 'Generator',
        settings: SampleSettings,
        *,
        seed: int,
        exclude: Sequence[str] = (),
        source: LatentSource | None = None,
        demands: Sequence[Demand] | None = None,
    ) -> None:
        """Encode the molecules to sample around.

        :param source: where latent vectors come from, in place of the strategy's own source.
        :param demands: windows in place of those of the settings.
        :raises OscError: when none of them can be encoded, a window names no property head or a pattern is no SMARTS.
        """
        self.model, self.settings = model, settings
        self.generator = torch.Generator().manual_seed(seed % 2**63)
        # A stereo isomer of a known molecule is not new: sampled molecules carry no stereo marks.
        self.known = {key[:14] for key in (*exclude, *model.config['extra']['known'])}
        self.counts: Counter[str] = Counter()
        self.attempts = self.since_last = 0
        self.tried: set[str] = set()
        self.found: dict[str, Candidate] = {}
        self.filter = MoleculeFilter(settings)
        self.demands = make_demands(model.columns, settings.demands()) if demands is None else list(demands)
        self.aimed: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.anchors: Anchors | None = None
        if source is None and settings.strategy != PRIOR:
            self.anchors = find_anchors(model, settings.around or model.memory)
        self.source = source or make_source(model, settings, self.anchors)
        self.wanted = settings.count * (settings.oversample if self.source.ranks else 1)

    def run(self) -> SampleResult:
        """Sample until enough molecules are found, the attempts are spent or nothing comes any more."""
        settings, most = self.settings, self.settings.count * self.settings.max_attempts
        while self.attempts < most and self.since_last < settings.patience and not self._enough():
            size = _GENERATION if self.source.ranks else max(32, 2 * (self.wanted - len(self.found)))
            self._round(min(_ROUND, size, most - self.attempts))
        candidates = list(self.found.values())
        chosen = [candidates[place] for place in self.source.best([item.smiles for item in candidates], settings.count)]
        origins = {item.inchikey: item.origin() for item in chosen}
        return SampleResult(_table(chosen), self._report(chosen, most), origins)

    def _enough(self) -> bool:
        return len(self.found) >= self.wanted

    def _round(self, size: int) -> None:
        """Decode one batch of latent vectors and keep what passes."""
        draw, aims = self._draw(size)
        smiles = self.model.decode(
            draw.latent,
            temperature=self.settings.temperature,
            generator=self.generator,
            max_nodes=self.settings.max_nodes,
            max_heavy_atoms=self.settings.max_heavy_atoms,
        )
        first, self.attempts = self.attempts, self.attempts + size
        passed = []
        for row, text in enumerate(smiles):
            found = 'invalid' if text is None else self._judge(text)
            if isinstance(found, str):
                self.counts[found] += 1
            else:
                passed.append(Candidate(*found, first + row, draw.how[row], draw.parents[row], aims[row]))
        kept = self._inside_windows(passed)
        self.since_last = 0 if kept else self.since_last + size
        self.source.learn(kept)

    def _draw(self, size: int) -> tuple[Draw, list[str | None]]:
        """Return latent vectors, and the family whose windows each of them was led to."""
        settings, parts, aims = self.settings, [], []
        for number, demand in enumerate(self.demands):
            share = (size + number) // len(self.demands) * settings.guided
            led = demand.draw(
                self.model,
                self.source,
                round(share),
                self.generator,
                resample=settings.resample,
                norm_cap=settings.norm_cap,
            )
            parts.append(led)
            aims += [demand.family] * len(led.how)
        free = self.source.draw(size - len(aims), self.generator)
        self.aimed.update(aims)
        return Draw.join([*parts, free]), [*aims, *[None] * len(free.how)]

    def _judge(self, smiles: str) -> tuple[str, str] | str:
        """Return SMILES and InChIKey of a molecule that passes the filters, the reason of one that does not."""
        if smiles in self.tried:
            return 'duplicate'
        self.tried.add(smiles)
        mol = parse_smiles(smiles)
        reason = self.filter.reason(mol)
        if reason is not None:
            return reason
        try:
            molecule = standardise_mol(mol)
        except MoleculeError as exception:
            return str(exception)
        if molecule.inchikey[:14] in self.known:
            return 'known'
        if molecule.inchikey[:14] in self.found:
            return 'duplicate'
        return molecule.smiles, molecule.inchikey

    def _inside_windows(self, passed: list[Candidate]) -> list[str]:
        """Keep the molecules of a round that lie in windows with room left, and return their SMILES."""
        kept = []
        for candidate, inside in zip(passed, self._families(passed), strict=True):
            reason = self._refuse(candidate, inside)
            if reason is not None:
                self.counts[reason] += 1
                continue
            self.found[candidate.inchikey[:14]] = replace(candidate, inside=inside)
            self.held.update(inside)
            kept.append(candidate.smiles)
        return kept

    def _families(self, passed: list[Candidate]) -> list[tuple[str, ...]]:
        """Return the families whose windows each molecule lies in, by the property heads."""
        if not self.demands or not passed:
            return [()] * len(passed)
        places, latent = self.model.encode_known([item.smiles for item in passed])
        found: list[list[str]] = [[] for _ in passed]
        values = self.model.predict(latent)
        for demand in self.demands:
            for place, inside in zip(places, demand.holds(values).tolist(), strict=True):
                found[place] += [demand.family] if inside else []
        return [tuple(families) for families in found]

    def _refuse(self, candidate: Candidate, inside: tuple[str, ...]) -> str | None:
        if candidate.inchikey[:14] in self.found:
            return 'duplicate'
        strict = self.demands and not self.settings.keep_outside
        if strict and not inside:
            return OUTSIDE
        if self._enough() or (strict and not any(self._has_room(family) for family in inside)):
            return 'not needed'
        return None

    def _has_room(self, family: str) -> bool:
        """Return whether a family has not got its share of the molecules yet."""
        return self.held[family] * len(self.demands) < self.wanted

    def _report(self, chosen: list[Candidate], most: int) -> dict[str, Any]:
        valid = self.attempts - self.counts['invalid']
        unique = valid - self.counts['duplicate']
        return {
            'requested': self.settings.count,
            'returned': len(chosen),
            'attempts': self.attempts,
            'rejected': dict(Counter({reason: count for reason, count in self.counts.items() if count}).most_common()),
            'valid': valid / max(self.attempts, 1),
            'unique': unique / max(valid, 1),
            'new': (unique - self.counts['known']) / max(unique, 1),
            'families': {demand.family: self._family_report(demand.family, chosen) for demand in self.demands},
            'around': None if self.anchors is None else len(self.anchors.smiles),
            'left_out': {} if self.anchors is None else self.anchors.left_out,
            'reason': None if len(chosen) >= self.settings.count else self._why_few(len(chosen), most),
        }

    def _family_report(self, family: str, chosen: list[Candidate]) -> dict[str, int]:
        """Return how many decodings were led to a family's windows, and how many molecules lie in them."""
        return {'aimed': self.aimed[family], 'inside': sum(family in item.inside for item in chosen)}

    def _why_few(self, returned: int, most: int) -> str:
        """Return why there are fewer molecules than asked for, and what to change."""
        stop = 'the attempts are spent' if self.attempts >= most else f'the last {self.since_last} gave nothing to keep'
        head = f'{returned} of {self.settings.count} molecules in {self.attempts} attempts, {stop}'
        if not self.counts:
            return head
        reason, count = self.counts.most_common(1)[0]
        return f'{head}; most were left out as {reason!r} ({count}): {_CURES.get(reason, "relax that filter")}'


def _table(chosen: Sequence[Candidate]) -> MoleculeTable:
    smiles = tuple(item.smiles for item in chosen)
    keys = tuple(item.inchikey for item in chosen)
    return MoleculeTable(smiles, keys, (SOURCE,) * len(keys), {Column('sa_score', SA_SCORE): sa_scores(smiles)})
