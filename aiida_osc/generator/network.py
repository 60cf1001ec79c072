"""The JT-VAE: encoders of graph and tree, a latent vector, property heads, a decoder that builds the tree depth first.

After Jin, Barzilay and Jaakkola (arXiv 1802.04364), with motifs larger than rings and with the attachment decided as
the tree grows, as in their hierarchical model (arXiv 2002.03230). Each decision names the site of the current motif
to go on from, or to stop there; then the motif that comes there; then the atoms by which it is joined.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aiida_osc.generator.encoder import GraphEncoder, TreeEncoder, WalkEncoder
from aiida_osc.generator.tensors import Batch, expansion_tables
from aiida_osc.generator.vocabulary import Vocabulary

_NEVER = -1e4


@dataclass(frozen=True)
class Posterior:
    """Gaussian over the latent vectors of a batch, both of shape ``(molecules, latent)``."""

    mean: Tensor
    log_variance: Tensor

    def draw(self) -> Tensor:
        """Return one draw, through which gradients flow."""
        return self.mean + torch.randn_like(self.mean) * torch.exp(0.5 * self.log_variance)

    def divergence(self) -> Tensor:
        """Return the mean KL divergence from the prior of each latent dimension in nats, shape ``(latent,)``."""
        return -0.5 * (1 + self.log_variance - self.mean.square() - self.log_variance.exp()).mean(0)


@dataclass(frozen=True)
class Choices:
    """Logits of all decisions of a batch in the order of its tensors.

    :param roots: over motifs, shape ``(molecules, motifs)``.
    :param sites: over the candidates, shape ``(decisions, width)``.
    :param motifs: over motifs, shape ``(expansions, motifs)``.
    :param attachments: over attachments, shape ``(expansions, attachments)``.
    """

    roots: Tensor
    sites: Tensor
    motifs: Tensor
    attachments: Tensor


class JtvaeNetwork(nn.Module):
    """All parameters of the JT-VAE of one vocabulary.

    :param properties: number of property heads.
    """

    def __init__(
        self, vocabulary: Vocabulary, *, hidden: int, latent: int, graph_rounds: int, dropout: float, properties: int
    ) -> None:
        """Make the layers."""
        super().__init__()
        self.hidden, self.latent, self.dropout, self.properties = hidden, latent, dropout, properties
        self.motifs = nn.Embedding(len(vocabulary.motifs), hidden)
        self.sites = nn.Embedding(len(vocabulary.sites), hidden)
        self.attachments = nn.Embedding(len(vocabulary.attachments), hidden)
        self.fresh = nn.Embedding(2, hidden)
        self.graph_encoder = GraphEncoder(hidden, graph_rounds)
        self.tree_encoder = TreeEncoder(hidden)
        self.walk_encoder = WalkEncoder(hidden)
        self.graph_latent = nn.Linear(hidden, latent)
        self.tree_latent = nn.Linear(3 * hidden, latent)
        self.property_heads = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, max(properties, 1)))
        self.start = nn.Linear(latent, hidden)
        self.walk = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.hint = nn.Linear(latent, 2 * hidden)
        self.guide = nn.Linear(latent, hidden)
        self.look_back = nn.Sequential(nn.Linear(4 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.root_query = _query(hidden, hidden)
        self.site_query = _query(hidden, hidden)
        self.motif_query = _query(2 * hidden, hidden)
        self.attachment_query = _query(3 * hidden, hidden)
        self.motif_bias = nn.Parameter(torch.zeros(len(vocabulary.motifs)))
        for table in (self.motifs, self.sites, self.attachments):
            nn.init.normal_(table.weight, std=0.3)
        self._keep_tables(vocabulary)

    def _keep_tables(self, vocabulary: Vocabulary) -> None:
        site_signature, fits, motif_of = expansion_tables(vocabulary)
        count = len(vocabulary.motifs)
        allowed = torch.zeros(max(int(site_signature.max()), 0) + 1, count, dtype=torch.bool)
        known = fits >= 0
        allowed[fits[known], motif_of[known]] = True
        roots = torch.zeros(count, dtype=torch.bool)
        roots[sorted(vocabulary.roots)] = True
        tables = {'site_signature': site_signature, 'fits': fits, 'motif_of': motif_of, 'allowed': allowed}
        for name, table in {**tables, 'roots': roots}.items():
            self.register_buffer(name, table, persistent=False)

    def encode(self, batch: Batch) -> Posterior:
        """Return the posterior of the latent vectors."""
        motif, attachment, site = batch.nodes[:, :3].unbind(1)
        joints = self.sites(site) + self.attachments(attachment)
        rising = self.tree_encoder(batch, self.motifs(motif) + joints, joints)
        walking = self.walk_encoder(batch, self.step_inputs(batch.inputs))
        tree = self.tree_latent(torch.cat([rising, walking], dim=1))
        graph = self.graph_latent(self.graph_encoder(batch))
        pairs = [part.float().chunk(2, dim=1) for part in (tree, graph)]
        mean, log_variance = (torch.cat(parts, dim=1) for parts in zip(*pairs, strict=True))
        return Posterior(mean, log_variance.clamp(-8, 4))

    def predict(self, latent: Tensor) -> Tensor:
        """Return the standardised properties, shape ``(molecules, properties)``."""
        return self.property_heads(latent)[:, : self.properties]

    def step_inputs(self, inputs: Tensor) -> Tensor:
        """Return the embedded inputs of decisions.

        :param inputs: motif, attachment, newest site and freshness in the last dimension.
        """
        motif, attachment, site, fresh = inputs.unbind(-1)
        place = self.sites(site) + self.attachments(attachment) + self.fresh(fresh)
        return torch.cat([self.motifs(motif), place], dim=-1)

    def advance(self, inputs: Tensor, latent: Tensor, state: Tensor) -> Tensor:
        """Return the states of the walk after each of some steps; the latent vector is read anew at every step.

        :param inputs: embedded inputs, shape ``(molecules, steps, 2 hidden)``.
        :param latent: shape ``(molecules, latent)``.
        :param state: before the first of these steps, shape ``(molecules, hidden)``.
        :returns: shape ``(molecules, steps, hidden)``.
        """
        walked, _ = self.walk(inputs + self.hint(latent).unsqueeze(1), state.unsqueeze(0))
        return walked

    def decision_states(self, walked: Tensor, back: Tensor, inputs: Tensor, latent: Tensor) -> Tensor:
        """Return what decisions are made from.

        :param walked: states of the walk, shape ``(..., hidden)``.
        :param back: states of the walk when the current node was last decided on, or made.
        :param inputs: embedded inputs, shape ``(..., 2 hidden)``.
        :param latent: latent vectors, broadcastable to ``(..., latent)``.
        """
        place = inputs[..., : self.hidden] + inputs[..., self.hidden :]
        guide = self.guide(latent).expand(*walked.shape[:-1], self.hidden)
        return walked + self.look_back(torch.cat([walked, back, place, guide], dim=-1))

    def decode(self, latent: Tensor, batch: Batch) -> Choices:
        """Return the logits of all decisions, the right earlier ones being given."""
        first = torch.tanh(self.start(latent))
        inputs = self.step_inputs(batch.inputs)
        if self.training and self.dropout:
            keep = torch.rand(inputs.shape[:2], device=inputs.device) >= self.dropout
            inputs = inputs * keep.unsqueeze(-1)
        walked = self.advance(inputs, latent, first)
        history = torch.cat([first.unsqueeze(1), walked], dim=1)
        back = history.gather(1, batch.back.unsqueeze(-1).expand(-1, -1, self.hidden))
        states = self.decision_states(walked, back, inputs, latent.unsqueeze(1)).flatten(0, 1)
        states = states.index_select(0, batch.real)
        step, site, motif, _ = batch.expansions.unbind(1)
        grown = states.index_select(0, step)
        return Choices(
            self.root_logits(first),
            self.site_logits(states, batch.candidates),
            self.motif_logits(grown, site),
            self.attachment_logits(grown, site, motif),
        )

    def root_logits(self, first: Tensor) -> Tensor:
        """Return the logits of the root's motif, shape ``(molecules, motifs)``."""
        logits = self.root_query(first) @ self.motifs.weight.T + self.motif_bias
        return logits.masked_fill(~self.roots, _NEVER)  # type: ignore[operator]

    def site_logits(self, states: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits of the candidate sites, shape ``(decisions, width)``."""
        keys = self.sites(candidates.clamp(min=0))
        logits = torch.einsum('dh,dwh->dw', self.site_query(states), keys)
        return logits.masked_fill(candidates < 0, _NEVER)

    def motif_logits(self, states: Tensor, sites: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the logits of the motif at each chosen site, shape ``(expansions, motifs)``.

        :param allowed: motifs that may come there; those whose signature fits by default.
        """
        query = self.motif_query(torch.cat([states, self.sites(sites)], dim=1))
        if allowed is None:
            allowed = self.allowed[self.site_signature[sites]]  # type: ignore[index]
        return (query @ self.motifs.weight.T + self.motif_bias).masked_fill(~allowed, _NEVER)

    def attachment_logits(self, states: Tensor, sites: Tensor, motifs: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the logits of the attachment of each chosen motif, shape ``(expansions, attachments)``.

        :param allowed: attachments that may be taken; those of the motif whose signature fits by default.
        """
        query = self.attachment_query(torch.cat([states, self.sites(sites), self.motifs(motifs)], dim=1))
        fits = self.fits == self.site_signature[sites].unsqueeze(1)  # type: ignore[index]
        fits = fits & (self.motif_of == motifs.unsqueeze(1))
        fits = fits if allowed is None else fits & allowed
        return (query @ self.attachments.weight.T).masked_fill(~fits, _NEVER)


def _query(inputs: int, hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
