"""Sampling new molecules: where latent vectors come from, and which decodings are kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from aiida_osc.chem.molecules import Molecule, MoleculeError, parse_smiles, standardise
from aiida_osc.chem.synthesis import sa_scores
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.generator.settings import SampleSettings
from aiida_osc.qc.levels import SA_SCORE

if TYPE_CHECKING:
    from aiida_osc.generator.generator import Generator

SOURCE = 'jtvae'
_ROUND = 256
_GUIDE_STEPS = 20
_GUIDE_RATE = 0.05


@dataclass(frozen=True)
class SampleResult:
    """What sampling gave.

    :param molecules: new molecules with source ``jtvae`` and their SA scores.
    :param report: counts of attempts and rejections by reason, and the shares that are valid, unique and new.
    """

    molecules: MoleculeTable
    report: dict[str, Any]


class Sampler:
    """One run of sampling; the same model, settings and seed give the same molecules."""

    def __init__(
        self,
        model: 'Generator',
        settings: SampleSettings,
        *,
        seed: int,
        exclude: Sequence[str] = (),
        around: Sequence[str] = (),
    ) -> None:
        """Encode the molecules to sample around.

        :raises OscError: when none of them can be encoded, or a window names no property head.
        """
        self.model, self.settings = model, settings
        self.generator = torch.Generator().manual_seed(seed % 2**63)
        # A stereo isomer of a known molecule is not new: sampled molecules carry no stereo marks.
        self.known = {key[:14] for key in (*exclude, *model.config['extra']['known'])}
        self.counts: Counter[str] = Counter()
        self.tried: set[str] = set()
        self.found: dict[str, tuple[Molecule, float]] = {}
        self.windows = [_find_window(model.columns, name, window) for name, window in (settings.windows or {}).items()]
        self.anchors = torch.zeros(0, model.network.latent)
        if settings.strategy != 'prior':
            _, self.anchors = model.encode_known(settings.around or around or model.memory)
            if not len(self.anchors):
                raise OscError('none of the molecules to sample around can be encoded: sample from the prior instead')

    def run(self) -> SampleResult:
        """Sample until enough molecules are found or the attempts are spent."""
        settings, most = self.settings, self.settings.count * self.settings.max_attempts
        while len(self.found) < settings.count and self.counts['attempts'] < most:
            left = settings.count - len(self.found)
            size = min(_ROUND, max(32, 2 * left), most - self.counts['attempts'])
            self.counts['attempts'] += size
            latent = self._inside_windows(self._draw(size))
            smiles = self.model.decode(
                latent,
                temperature=settings.temperature,
                generator=self.generator,
                max_nodes=settings.max_nodes,
                max_heavy_atoms=settings.max_heavy_atoms,
            )
            for text in smiles:
                self._judge(text)
        return SampleResult(self._table(), self._report())

    def _draw(self, size: int) -> Tensor:
        """Return latent vectors of the chosen strategy, shape ``(size, latent)``."""
        prior = torch.randn(size, self.model.network.latent, generator=self.generator)
        if self.settings.strategy == 'prior':
            return prior
        picks = torch.randint(len(self.anchors), (size,), generator=self.generator)
        spread = torch.tensor(self.model.config['extra']['spread'], dtype=torch.float32)
        moved = self.anchors[picks] + self.settings.noise * spread * prior
        if self.settings.strategy == 'around':
            return moved
        return torch.where(torch.arange(size).unsqueeze(1) % 2 == 0, prior, moved)

    def _inside_windows(self, latent: Tensor) -> Tensor:
        """Return the latent vectors after a few steps that lead the predicted properties into the windows."""
        if not self.windows:
            return latent
        columns = [column for column, _, _ in self.windows]
        mean, spread = (part[columns] for part in self.model.normalisation())
        bounds = torch.tensor([bound for _, *bound in self.windows], dtype=torch.float32)
        low, high = ((bounds[:, side] - mean) / spread for side in (0, 1))
        moving = latent.clone().requires_grad_()
        for _ in range(_GUIDE_STEPS):
            values = self.model.network.predict(moving)[:, columns]
            miss = torch.relu(low - values) + torch.relu(values - high)
            (slope,) = torch.autograd.grad(miss.square().sum(), moving)
            length = slope.norm(dim=1, keepdim=True).clamp(min=1e-6)
            step = slope / length * torch.minimum(length, torch.ones_like(length))
            moving = (moving - 10 * _GUIDE_RATE * step).detach().requires_grad_()
        return moving.detach()

    def _judge(self, smiles: str | None) -> None:
        """Keep a decoded molecule or count why not."""
        reason = 'invalid' if smiles is None else self._refuse(smiles)
        if reason is not None:
            self.counts[reason] += 1

    def _refuse(self, smiles: str) -> str | None:
        if smiles in self.tried:
            return 'duplicate'
        self.tried.add(smiles)
        if parse_smiles(smiles).GetNumHeavyAtoms() > self.settings.max_heavy_atoms:
            return 'too large'
        try:
            molecule = standardise(smiles)
        except MoleculeError as exception:
            return str(exception)
        if molecule.inchikey[:14] in self.known:
            return 'known'
        if molecule.inchikey[:14] in self.found:
            return 'duplicate'
        score = float(sa_scores([molecule.smiles])[0])
        if score > self.settings.max_sa_score:
            return 'hard to make'
        if self.windows and not self._hits(molecule.smiles):
            return 'outside the windows'
        if len(self.found) < self.settings.count:
            self.found[molecule.inchikey[:14]] = (molecule, score)
            return None
        return 'not needed'

    def _hits(self, smiles: str) -> bool:
        """Return whether the property heads put the finished molecule inside all windows."""
        places, latent = self.model.encode_known([smiles])
        if not places:
            return False
        values = self.model.predict(latent)[0]
        return all(low <= values[column] <= high for column, low, high in self.windows)

    def _table(self) -> MoleculeTable:
        molecules = [molecule for molecule, _ in self.found.values()]
        scores = np.array([score for _, score in self.found.values()])
        return MoleculeTable(
            tuple(molecule.smiles for molecule in molecules),
            tuple(molecule.inchikey for molecule in molecules),
            (SOURCE,) * len(molecules),
            {Column('sa_score', SA_SCORE): scores},
        )

    def _report(self) -> dict[str, Any]:
        attempts = self.counts.pop('attempts', 0)
        valid = attempts - self.counts['invalid']
        unique = valid - self.counts['duplicate']
        return {
            'requested': self.settings.count,
            'returned': len(self.found),
            'attempts': attempts,
            'rejected': {reason: count for reason, count in sorted(self.counts.items()) if count},
            'valid': valid / max(attempts, 1),
            'unique': unique / max(valid, 1),
            'new': (unique - self.counts['known']) / max(unique, 1),
        }


def _find_window(columns: Sequence[Column], name: str, window: Sequence[float]) -> tuple[int, float, float]:
    """Return the property head that a window names, by written column or target, and its bounds."""
    places = [place for place, column in enumerate(columns) if name in (str(column), column.target)]
    if len(places) != 1:
        heads = ', '.join(map(str, columns)) or 'none'
        raise OscError(f'window {name!r} names {len(places)} property heads of this generator; it has: {heads}')
    return places[0], float(window[0]), float(window[1])
