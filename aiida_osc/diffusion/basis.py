"""What every eigenbasis of a graph Laplacian can do."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor

from aiida_osc.errors import OscError


class Basis(Protocol):
    """Orthonormal eigenvectors of a graph Laplacian: white noise stays white noise and a round trip changes nothing.

    What acts on modes must be a function of the eigenvalue alone: within a degenerate eigenspace the vectors are
    arbitrary, and only such functions do not depend on their choice.
    """

    @property
    def eigenvalues(self) -> Tensor:
        """Return the eigenvalues, all at least 0; shape ``(nodes,)``, or ``(batch, nodes)`` of a padded batch."""

    def to_modes(self, signal: Tensor) -> Tensor:
        """Return the coefficients of a node signal, both of shape ``(batch, nodes, features)``."""

    def from_modes(self, modes: Tensor) -> Tensor:
        """Return the node signal with the given coefficients, both of shape ``(batch, nodes, features)``."""


def apply_function(basis: Basis, function: Callable[[Tensor], Tensor], signal: Tensor) -> Tensor:
    """Return ``f(L) x``.

    :param function: takes and returns the eigenvalues.
    :param signal: shape ``(batch, nodes, features)``.
    """
    return basis.from_modes(function(basis.eigenvalues).unsqueeze(-1) * basis.to_modes(signal))


def check_signal(signal: Tensor, nodes: int, dtype: torch.dtype, batch: int | None = None) -> None:
    """Refuse what a basis cannot transform.

    :param batch: the number of graphs when it is fixed.
    :raises OscError: when shape or type do not fit.
    """
    if signal.ndim != 3 or signal.shape[1] != nodes or batch not in (None, signal.shape[0]):
        wanted = f'({"batch" if batch is None else batch}, {nodes}, features)'
        raise OscError(f'a signal of shape {tuple(signal.shape)} does not fit the basis: give {wanted}')
    if signal.dtype != dtype:
        raise OscError(f'a signal of type {signal.dtype} meets a basis of type {dtype}: convert one of them with to()')


def full_precision(signal: Tensor) -> AbstractContextManager:
    """Return the context in which autocast leaves the products of a basis alone: half of the digits would be noise."""
    return torch.autocast(signal.device.type, enabled=False)
