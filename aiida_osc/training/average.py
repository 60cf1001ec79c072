"""A running mean of the weights, which is often better than the weights themselves (doi 10.1137/0330046)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class WeightAverage:
    """The exponential running mean of a module's floating-point state."""

    def __init__(self, module: torch.nn.Module, decay: float, start: Mapping[str, Tensor] | None = None) -> None:
        """Start from ``start``, or from the weights of now.

        :param decay: how much of the mean stays in each step; 0 for no mean at all.
        """
        self.decay = decay
        own = {name: tensor for name, tensor in module.state_dict().items() if tensor.is_floating_point()}
        source = start or own
        self.mean = {name: source[name].to(tensor.device).clone() for name, tensor in own.items()} if decay else {}

    def update(self, module: torch.nn.Module, steps: int) -> None:
        """Take in the weights after ``steps`` steps; early on the mean forgets faster, as its start is no good."""
        if not self.decay:
            return
        decay = min(self.decay, (1 + steps) / (10 + steps))
        own = module.state_dict()
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean.values()), [own[name] for name in self.mean], 1 - decay)

    @contextmanager
    def applied(self, module: torch.nn.Module) -> Iterator[None]:
        """Give the module the mean weights within the block."""
        before = {name: module.state_dict()[name].clone() for name in self.mean}
        module.load_state_dict(self.mean, strict=False)
        try:
            yield
        finally:
            module.load_state_dict(before, strict=False)

    def tensors(self) -> dict[str, Tensor]:
        """Return a copy of the mean on the CPU, by name."""
        return {name: tensor.cpu().clone() for name, tensor in self.mean.items()}
