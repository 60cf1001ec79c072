"""Rotations that lay structures upon each other (doi 10.1107/S0567739476001873), for batches of any weights."""

import torch
from torch import Tensor


def rotation_onto(moving: Tensor, target: Tensor, *, mirror: Tensor | None = None) -> Tensor:
    """Return R for which ``moving @ R`` lies closest to ``target``; shape ``(batch, 3, 3)``, no gradient.

    :param moving: shape ``(batch, nodes, 3)``, centred, zero where padded; nodes may be modes.
    :param target: likewise.
    :param mirror: structures that may be reflected as well, shape ``(batch,)``, bool; None for none.
    """
    with torch.no_grad():
        u, _, vt = torch.linalg.svd((moving.mT @ target).double())
        sign = torch.det(u @ vt)
        if mirror is not None:
            sign = torch.where(mirror, torch.ones_like(sign), sign)
        flip = torch.ones_like(u[:, 0])
        flip[:, -1] = sign
        return ((u * flip[:, None]) @ vt).to(moving.dtype)
