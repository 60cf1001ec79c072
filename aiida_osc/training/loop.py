"""The one training loop: epochs in pieces, each piece ending in a checkpoint from which the next goes on.

The random numbers of an epoch depend on the seed and the number of the epoch alone, so a training in pieces gives the
same weights as one in a single piece, and a checkpoint needs no random state.
"""

import math
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch

from aiida_osc.errors import OscError
from aiida_osc.training.artifact import load_weights
from aiida_osc.training.average import WeightAverage
from aiida_osc.training.device import autocast, cpu_threads, precision, resolve_device
from aiida_osc.training.settings import FitSettings

#: Tensors of a checkpoint.
_GROUPS = ('weights', 'best', 'optimizer', 'average')


class DivergedError(OscError):
    """The loss is no number any more."""


Progress = Callable[[dict[str, Any]], None]


class Task(Protocol):
    """What a model family brings to the loop."""

    module: torch.nn.Module

    def batches(self, epoch: int, batch_size: int, generator: torch.Generator) -> Iterable[Any]:
        """Return the batches of one epoch; shuffling uses ``generator`` only.

        The loop needs their number: something with a length is read batch by batch, anything else is listed first.
        """

    def loss(self, batch: Any, epoch: int) -> torch.Tensor:
        """Return the scalar loss of one batch."""

    def validate(self) -> dict[str, float]:
        """Return validation figures; ``loss`` among them is what early stopping watches."""


@dataclass
class FitState:
    """Where a training stands.

    :param weights: current weights by name.
    :param best: weights of the best epoch so far, by name.
    :param optimizer: state tensors of the optimiser, by ``parameter.entry``.
    :param average: running mean of the weights by name, empty without one.
    :param history: one record per epoch: ``epoch``, ``train_loss`` and the validation figures.
    :param device: kind of device of the last piece, as decided when it ran.
    :param precision: likewise, ``bfloat16`` or ``float32``.
    """

    weights: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor] = field(default_factory=dict)
    average: dict[str, torch.Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    best_loss: float = math.inf
    best_epoch: int = -1
    epoch: int = 0
    pieces: int = 0
    finished: bool = False
    device: str = ''
    precision: str = ''

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return all tensors under one level of names: the best weights alone once finished, else everything."""
        if self.finished:
            return dict(self.best)
        groups = {name: getattr(self, name) for name in _GROUPS}
        return {f'{group}/{name}': tensor for group, tensors in groups.items() for name, tensor in tensors.items()}

    def progress(self) -> dict[str, Any]:
        """Return the JSON half of the checkpoint."""
        keys = ('history', 'best_epoch', 'epoch', 'pieces', 'device', 'precision')
        best = self.best_loss if math.isfinite(self.best_loss) else None
        return {**{key: getattr(self, key) for key in keys}, 'best_loss': best}

    @classmethod
    def from_checkpoint(cls, tensors: dict[str, torch.Tensor], progress: dict[str, Any]) -> 'FitState':
        """Return the state stored by :meth:`to_tensors` and :meth:`progress` in the middle of training.

        :raises OscError: when the model is finished or the checkpoint is damaged.
        """
        groups: dict[str, dict[str, torch.Tensor]] = {name: {} for name in _GROUPS}
        for name, tensor in tensors.items():
            group, _, rest = name.partition('/')
            if group not in groups:
                raise OscError('this model is finished: training cannot go on from it')
            groups[group][rest] = tensor
        try:
            return cls(
                groups['weights'],
                groups['best'],
                groups['optimizer'],
                groups['average'],
                history=list(progress['history']),
                best_loss=math.inf if progress['best_loss'] is None else float(progress['best_loss']),
                best_epoch=int(progress['best_epoch']),
                epoch=int(progress['epoch']),
                pieces=int(progress['pieces']),
            )
        except (KeyError, TypeError, ValueError) as exception:
            raise OscError(f'the checkpoint is damaged: {exception!r} in its progress') from None


def fit_piece(
    task: Task, settings: FitSettings, *, seed: int, state: FitState | None = None, report: Progress | None = None
) -> FitState:
    """Train for one piece and return the new state; ``task.module`` ends with the best weights when finished.

    :param state: where an earlier piece ended, left as it is; None starts from the module's own weights.
    :param report: called with the record of each epoch.
    :raises OscError: when the loss is not finite or the state does not fit the module.
    """
    device = resolve_device(settings.device)
    module = task.module.to(device)
    if settings.compile:
        module.compile(mode=settings.compile_mode, dynamic=True)
    optimizer = _optimizer(module, settings, device)
    if state is None:
        state = FitState(_copy(module), _copy(module))
    else:
        state = replace(state, history=list(state.history))
        load_weights(module, state.weights)
        _load_optimizer(optimizer, module, state.optimizer)
    average = WeightAverage(module, settings.ema, state.average)
    last = min(settings.epochs, state.epoch + settings.piece_epochs) if settings.piece_epochs else settings.epochs
    while state.epoch < last and not _stalled(state, settings):
        with cpu_threads(settings.threads):
            record = _run_epoch(task, optimizer, average, settings, seed, state.epoch, device)
        state.history.append(record)
        if record['loss'] < state.best_loss:
            state.best_loss, state.best_epoch = record['loss'], state.epoch
            state.best = {**_copy(module), **average.tensors()}
        state.epoch += 1
        if report is not None:
            report(record)
    state.pieces += 1
    state.device, state.precision = device.type, precision(device, settings.amp)
    state.weights = _copy(module)
    state.optimizer = _optimizer_tensors(optimizer, module)
    state.average = average.tensors()
    state.finished = state.epoch >= settings.epochs or _stalled(state, settings)
    if state.finished:
        module.load_state_dict(state.best)
    return state


def learning_rate(settings: FitSettings, progress: float) -> float:
    """Return the rate at ``progress`` in [0, 1]: linear warm-up over 5 %, then a cosine down to 2 % of the peak."""
    warm_up = 0.05
    if progress < warm_up:
        return settings.learning_rate * (0.1 + 0.9 * progress / warm_up)
    cosine = 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
    return settings.learning_rate * (0.02 + 0.98 * cosine)


def _run_epoch(
    task: Task,
    optimizer: torch.optim.Optimizer,
    average: WeightAverage,
    settings: FitSettings,
    seed: int,
    epoch: int,
    device: torch.device,
) -> dict[str, float]:
    generator = torch.Generator().manual_seed(_epoch_seed(seed, epoch))
    total = count = 0.0
    task.module.train()
    with torch.random.fork_rng(devices=[device] if device.type == 'cuda' else []):
        torch.manual_seed(_epoch_seed(seed, epoch))
        batches = task.batches(epoch, settings.batch_size, generator)
        batches = batches if isinstance(batches, Sized) else list(batches)
        for number, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group['lr'] = learning_rate(settings, (epoch + number / len(batches)) / settings.epochs)
            optimizer.zero_grad(set_to_none=True)
            with autocast(device, settings.amp):
                loss = task.loss(batch, epoch)
            if not torch.isfinite(loss):
                raise DivergedError(f'training diverged in epoch {epoch}: lower the learning rate or look at the data')
            loss.backward()
            torch.nn.utils.clip_grad_norm_(task.module.parameters(), settings.clip_norm)
            optimizer.step()
            average.update(task.module, epoch * len(batches) + number)
            total, count = total + float(loss.detach()), count + 1
        task.module.eval()
        with torch.no_grad(), average.applied(task.module):
            figures = task.validate()
    if not math.isfinite(figures['loss']):
        raise DivergedError(f'validation diverged in epoch {epoch}: lower the learning rate or look at the data')
    return {'epoch': epoch, 'train_loss': total / max(count, 1), **{key: float(figures[key]) for key in figures}}


def _epoch_seed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch * 7919 + 17) % 2**63


def _optimizer(module: torch.nn.Module, settings: FitSettings, device: torch.device) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=device.type in ('cpu', 'cuda'),
    )


def _stalled(state: FitState, settings: FitSettings) -> bool:
    return bool(settings.patience) and state.epoch - state.best_epoch > settings.patience


def _copy(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer, module: torch.nn.Module) -> dict[str, torch.Tensor]:
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {
        f'{names[id(parameter)]}.{entry}': value.detach().cpu().clone()
        for parameter, entries in optimizer.state.items()
        for entry, value in entries.items()
    }


def _load_optimizer(
    optimizer: torch.optim.Optimizer, module: torch.nn.Module, tensors: dict[str, torch.Tensor]
) -> None:
    for name, parameter in module.named_parameters():
        entries = {
            key: tensors[f'{name}.{key}'] for key in ('step', 'exp_avg', 'exp_avg_sq') if f'{name}.{key}' in tensors
        }
        if entries:
            optimizer.state[parameter] = {key: value.to(parameter.device).clone() for key, value in entries.items()}
