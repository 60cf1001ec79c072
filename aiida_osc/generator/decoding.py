"""From latent vectors to junction trees, many at a time."""

import torch
from torch import Tensor

from aiida_osc.generator.growing import GrowingTree
from aiida_osc.generator.network import JtvaeNetwork
from aiida_osc.generator.vocabulary import STOP, Vocabulary


class TreeDecoder:
    """Grows junction trees; only joints that were seen in training and that the valences allow are offered."""

    def __init__(self, network: JtvaeNetwork, vocabulary: Vocabulary) -> None:
        """Keep the network and the tables of the vocabulary."""
        self.network, self.vocabulary = network, vocabulary
        self._consumption = torch.from_numpy(vocabulary.consumption)
        self._masks: dict[tuple[int, int, int], tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def decode(
        self,
        latent: Tensor,
        *,
        temperature: float = 0.0,
        max_nodes: int = 60,
        max_heavy_atoms: int = 200,
        generator: torch.Generator | None = None,
    ) -> list[GrowingTree]:
        """Return the trees of latent vectors; every tree ends after at most ``max_nodes`` motifs.

        :param latent: shape ``(molecules, latent)``.
        :param temperature: 0 takes the likeliest choice, 1 draws from the network's probabilities.
        :param max_heavy_atoms: a tree that has more is closed as it is.
        """
        network = self.network
        first = torch.tanh(network.start(latent))
        roots = _choose(network.root_logits(first), temperature, generator).tolist()
        trees = [GrowingTree(self.vocabulary) for _ in roots]
        for tree, root in zip(trees, roots, strict=True):
            tree.start(root)
        history = torch.zeros(len(trees), 2 * max_nodes + 1, network.hidden)
        history[:, 0] = first
        states, states_of = first, [[0] for _ in trees]
        for step in range(1, 2 * max_nodes + 1):
            rows, choices = _still_open(trees, max_nodes, max_heavy_atoms)
            if not rows:
                break
            index = torch.tensor(rows)
            inputs = network.step_inputs(_inputs([trees[row] for row in rows]))
            own = latent.index_select(0, index)
            walked = network.advance(inputs.unsqueeze(1), own, states.index_select(0, index)).squeeze(1)
            states = states.index_copy(0, index, walked)
            history[index, step] = walked
            back = torch.tensor([states_of[row][trees[row].current] for row in rows])
            guided = network.decision_states(walked, history[index, back], inputs, own)
            for row in rows:
                states_of[row][trees[row].current] = step
            self._act([trees[row] for row in rows], guided, choices, temperature, generator)
            for row in rows:
                states_of[row] += [step] * (len(trees[row].motifs) - len(states_of[row]))
        for tree in trees:
            tree.abandon()
        return trees

    def _act(
        self,
        trees: list[GrowingTree],
        states: Tensor,
        choices: list[list[int]],
        temperature: float,
        generator: torch.Generator | None,
    ) -> None:
        """Make one decision in every tree: close the current node, or choose site, motif and attachment."""
        places = _choose(self.network.site_logits(states, _padded(choices)), temperature, generator).tolist()
        chosen = [options[place] for options, place in zip(choices, places, strict=True)]
        masks = [self._allowed(tree, site) if site != STOP else None for tree, site in zip(trees, chosen, strict=True)]
        growing = [row for row, mask in enumerate(masks) if mask is not None]
        for row, mask in enumerate(masks):
            if mask is None:
                trees[row].close()
        if not growing:
            return
        grown, sites = states[growing], torch.tensor([chosen[row] for row in growing])
        pairs = [mask for mask in masks if mask is not None]
        motif_mask, attachment_mask = (torch.stack([pair[side] for pair in pairs]) for side in (0, 1))
        motifs = _choose(self.network.motif_logits(grown, sites, motif_mask), temperature, generator)
        logits = self.network.attachment_logits(grown, sites, motifs, attachment_mask)
        attachments = _choose(logits, temperature, generator).tolist()
        for row, attachment in zip(growing, attachments, strict=True):
            trees[row].expand(chosen[row], attachment)

    def _allowed(self, tree: GrowingTree, site: int) -> tuple[Tensor, Tensor] | None:
        """Return which motifs and attachments fit a site of the current node, None when none does."""
        network = self.network
        key = (int(network.site_signature[site]), *tree.free_capacity(site))  # type: ignore[index]
        if key not in self._masks:
            fits = (network.fits == key[0]) & (self._consumption <= torch.tensor(key[1:])).all(1)
            motifs = torch.zeros(len(self.vocabulary.motifs), dtype=torch.bool)
            motifs[network.motif_of[fits]] = True  # type: ignore[index]
            self._masks[key] = (motifs, fits)
        motifs, fits = self._masks[key]
        return (motifs, fits) if bool(fits.any()) else None


def _still_open(trees: list[GrowingTree], max_nodes: int, max_heavy_atoms: int) -> tuple[list[int], list[list[int]]]:
    """Return the trees with a decision to make, and their candidate sites; nodes without any are closed."""
    rows, choices = [], []
    for row, tree in enumerate(trees):
        if len(tree.motifs) >= max_nodes or tree.heavy_atoms > max_heavy_atoms:
            tree.abandon()
        while tree.open:
            candidates = tree.candidates()
            if candidates:
                rows.append(row)
                choices.append(candidates)
                break
            tree.close()
    return rows, choices


def _inputs(trees: list[GrowingTree]) -> Tensor:
    rows = []
    for tree in trees:
        node = tree.current
        last = tree.last_site[node]
        rows.append((tree.motifs[node], tree.attachments[node], last, int(last == STOP)))
    return torch.tensor(rows)


def _padded(choices: list[list[int]]) -> Tensor:
    width = max(len(options) for options in choices)
    return torch.tensor([options + [-1] * (width - len(options)) for options in choices])


def _choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Return the likeliest entry of each row, or a draw (by Gumbel noise) at a positive temperature."""
    if temperature <= 0:
        return logits.argmax(dim=1)
    uniform = torch.rand(logits.shape, generator=generator).clamp(1e-9, 1 - 1e-7)
    return (logits / temperature - torch.log(-torch.log(uniform))).argmax(dim=1)
