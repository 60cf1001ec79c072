"""Which directed edges and atoms of a batch look alike, so that a network treats each kind once.

After ``k`` steps the message of an edge depends on the atoms and bonds within ``k`` bonds behind it, and molecules of a
batch share most of these environments: in sets of similar molecules nine of ten messages are repetitions. Edges alike
are found as in the algorithm of Weisfeiler and Leman: by a number for the edge and the numbers of those it hears.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from aiida_osc.surrogate.featurise import ATOM_CATEGORIES, BOND_CATEGORIES, Batch, Sums

#: Odd numbers of 64 bits without a pattern.
_MIX = (-0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15)


@dataclass(frozen=True)
class Step:
    """One step from kinds to kinds.

    :param first: each kind's edge, or atom, before the first step, as a sum of one.
    :param heard: kinds from those kinds of the step before that they hear.
    """

    first: Sums
    heard: Sums


@dataclass(frozen=True)
class Environments:
    """A batch with its repetitions taken out.

    :param atoms: category indices of each kind of atom, shape ``(kinds, atom features)``.
    :param bonds: category indices of each kind of bond, shape ``(kinds, bond features)``.
    :param start: kinds of directed edges from the kind of atom where each starts.
    :param bond: kinds of directed edges from their kind of bond.
    :param steps: of the messages, one for each step of the network.
    :param last: of the atoms that have heard all messages.
    :param pool: molecules from these kinds of atoms.
    """

    atoms: Tensor
    bonds: Tensor
    start: Sums
    bond: Sums
    steps: tuple[Step, ...]
    last: Step
    pool: Sums


@torch.compiler.disable  # type: ignore[untyped-decorator]
def environments(batch: Batch, depth: int) -> Environments:
    """Return the environments of ``batch`` for a network of ``depth`` steps."""
    atom, atom_picked = _kinds(_code(batch.atoms, ATOM_CATEGORIES))
    bond, bond_picked = _kinds(_code(batch.bonds, BOND_CATEGORIES))
    begin = atom[batch.start.index]
    edge_bond = bond[batch.both.index]
    first, picked = _kinds(begin * max(len(bond_picked), 1) + edge_bond)
    start, through = _ones(begin[picked], len(atom_picked)), _ones(edge_bond[picked], len(bond_picked))
    kind, count, steps = first, len(picked), []
    for _ in range(depth):
        following, chosen = _kinds(_mixed(first) + _heard(kind, batch.onward))
        steps.append(Step(_ones(first[chosen], len(picked)), _part(batch.onward, chosen, kind, count)))
        kind, count = following, len(chosen)
    ended, chosen = _kinds(_mixed(atom) + _heard(kind, batch.arrive))
    last = Step(_ones(atom[chosen], len(atom_picked)), _part(batch.arrive, chosen, kind, count))
    pool = _sums(ended[batch.pool.index], batch.pool.offsets, len(chosen))
    return Environments(batch.atoms[atom_picked], batch.bonds[bond_picked], start, through, tuple(steps), last, pool)


def _code(categories: Tensor, most: int) -> Tensor:
    """Return a number for each row of categories, equal for equal rows."""
    code = torch.zeros(len(categories), dtype=torch.long, device=categories.device)
    for column in categories.T:
        code = code * most + column
    return code


def _kinds(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the kind of each item, numbered from 0, and one item of each kind."""
    found, kinds = torch.unique(codes, return_inverse=True)
    items = torch.empty(len(found), dtype=torch.long, device=codes.device)
    return kinds, items.scatter_(0, kinds, torch.arange(len(codes), device=codes.device))


def _mixed(codes: Tensor) -> Tensor:
    """Return 64 bits that look random for each number, the same for the same.

    Two different sums of such bits among a million are equal with a probability below one in ten million.
    """
    for factor in _MIX:
        codes = (codes + 1) * factor
        codes = codes ^ (codes >> 29)
    return codes


def _heard(kind: Tensor, sums: Sums) -> Tensor:
    """Return a number for the kinds in each list of ``sums``, whatever their order."""
    mixed = _mixed(_mixed(kind))[sums.index]
    total = torch.cat([mixed.new_zeros(1), mixed.cumsum(0)])
    ends = torch.cat([sums.offsets[1:], sums.offsets.new_full((1,), len(sums.index))])
    return (total[ends] - total[sums.offsets]) * _MIX[0]


def _part(sums: Sums, rows: Tensor, kind: Tensor, count: int) -> Sums:
    """Return the lists ``rows`` of ``sums`` with the kinds of what they sum, of which there are ``count``."""
    ends = torch.cat([sums.offsets[1:], sums.offsets.new_full((1,), len(sums.index))])
    lengths = ends[rows] - sums.offsets[rows]
    offsets = lengths.cumsum(0) - lengths
    places = torch.arange(int(lengths.sum()), device=rows.device)
    places = places + (sums.offsets[rows] - offsets).repeat_interleave(lengths)
    return _sums(kind[sums.index[places]], offsets, count)


def _ones(index: Tensor, count: int) -> Sums:
    return _sums(index, torch.arange(len(index), device=index.device), count)


def _sums(index: Tensor, offsets: Tensor, count: int) -> Sums:
    """Return the lists and their transpose, for ``count`` summed rows."""
    if not torch.is_grad_enabled():
        return Sums(index, offsets, index, offsets)
    order = torch.argsort(index, stable=True)
    lengths = torch.bincount(index, minlength=count)
    result = torch.searchsorted(offsets, order, right=True) - 1
    return Sums(index, offsets, result, lengths.cumsum(0) - lengths)
