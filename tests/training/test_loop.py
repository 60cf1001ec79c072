"""The one training loop."""

import dataclasses
import math

import pytest
import torch

from aiida_osc.errors import OscError
from aiida_osc.training.loop import FitState, fit_piece, learning_rate
from aiida_osc.training.settings import FitSettings

SETTINGS = FitSettings(epochs=6, batch_size=8, learning_rate=0.02, device='cpu')


class LineTask:
    """Fit a line with dropout, so that the weights depend on every random number of an epoch."""

    def __init__(self, validation_losses=None):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.module = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Dropout(0.5), torch.nn.Linear(16, 1))
        self.x = torch.linspace(-1, 1, 32)[:, None]
        self.validation_losses = validation_losses
        self.epochs = []

    def batches(self, epoch, batch_size, generator):
        self.epochs.append(epoch)
        yield from torch.randperm(32, generator=generator).split(batch_size)

    def loss(self, batch, epoch):
        return (self.module(self.x[batch]) - 2 * self.x[batch] - 1).square().mean()

    def validate(self):
        if self.validation_losses is not None:
            return {'loss': self.validation_losses[self.epochs[-1]]}
        return {'loss': float((self.module(self.x) - 2 * self.x - 1).square().mean())}


def assert_equal(left, right):
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize('piece_epochs', [1, 2, 4])
def test_pieces_give_the_weights_of_one_piece_bit_for_bit(piece_epochs):
    whole = fit_piece(LineTask(), SETTINGS, seed=3)
    settings = dataclasses.replace(SETTINGS, piece_epochs=piece_epochs)
    state, pieces = None, 0
    while state is None or not state.finished:
        if state is not None:
            state = FitState.from_checkpoint(state.to_tensors(), state.progress())
        state = fit_piece(LineTask(), settings, seed=3, state=state)
        pieces += 1
    assert pieces == state.pieces == math.ceil(6 / piece_epochs)
    assert state.history == whole.history
    assert_equal(state.to_tensors(), whole.to_tensors())


def test_training_learns_and_the_seed_decides():
    first, again, other = (fit_piece(LineTask(), SETTINGS, seed=seed) for seed in (1, 1, 2))
    assert first.history[-1]['loss'] < 0.3 * first.history[0]['loss']
    assert_equal(first.best, again.best)
    assert not torch.equal(first.best['0.weight'], other.best['0.weight'])


def test_random_state_of_the_caller_is_untouched():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    fit_piece(LineTask(), SETTINGS, seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_a_piece_leaves_the_given_state_alone():
    settings = dataclasses.replace(SETTINGS, piece_epochs=2)
    first = fit_piece(LineTask(), settings, seed=0)
    before = {name: tensor.clone() for name, tensor in first.to_tensors().items()}
    fit_piece(LineTask(), settings, seed=0, state=first)
    assert (first.epoch, first.pieces, len(first.history)) == (2, 1, 2)
    assert_equal(first.to_tensors(), before)


def test_early_stopping_keeps_the_best_epoch():
    task = LineTask(validation_losses=[3.0, 1.0, 2.0, 2.0, 2.0, 0.5])
    state = fit_piece(task, dataclasses.replace(SETTINGS, patience=2), seed=0)
    assert state.finished
    assert (state.epoch, state.best_epoch, state.best_loss) == (4, 1, 1.0)
    assert_equal(task.module.state_dict(), state.best)
    assert not torch.equal(state.best['0.weight'], state.weights['0.weight'])


def test_early_stopping_counts_across_pieces():
    losses = [3.0, 1.0, 2.0, 2.0, 2.0, 0.5]
    settings = dataclasses.replace(SETTINGS, patience=2, piece_epochs=3)
    first = fit_piece(LineTask(losses), settings, seed=0)
    assert not first.finished
    second = fit_piece(LineTask(losses), settings, seed=0, state=first)
    assert (second.finished, second.epoch) == (True, 4)


def test_divergence_is_one_sentence():
    task = LineTask()
    task.x = task.x * float('inf')
    with pytest.raises(OscError, match='training diverged in epoch 0: lower the learning rate'):
        fit_piece(task, SETTINGS, seed=0)


def test_validation_without_a_figure_is_one_sentence():
    with pytest.raises(OscError, match='validation diverged in epoch 1'):
        fit_piece(LineTask(validation_losses=[1.0, math.nan]), SETTINGS, seed=0)


def test_a_finished_model_cannot_go_on():
    state = fit_piece(LineTask(), SETTINGS, seed=0)
    with pytest.raises(OscError, match='finished'):
        FitState.from_checkpoint(state.to_tensors(), state.progress())


@pytest.mark.parametrize('damage', [{'history': None}, {'epoch': 'x'}])
def test_damaged_progress_is_one_sentence(damage):
    state = fit_piece(LineTask(), dataclasses.replace(SETTINGS, piece_epochs=1), seed=0)
    with pytest.raises(OscError, match='checkpoint is damaged'):
        FitState.from_checkpoint(state.to_tensors(), {**state.progress(), **damage})


def test_a_state_of_another_shape_is_refused():
    state = fit_piece(LineTask(), dataclasses.replace(SETTINGS, piece_epochs=1), seed=0)
    state.weights['0.weight'] = torch.zeros(3, 1)
    with pytest.raises(OscError, match='do not fit'):
        fit_piece(LineTask(), SETTINGS, seed=0, state=state)


def test_report_gets_each_epoch():
    records = []
    fit_piece(LineTask(), SETTINGS, seed=0, report=records.append)
    assert [record['epoch'] for record in records] == list(range(6))
    assert set(records[0]) == {'epoch', 'train_loss', 'loss'}


def test_batches_with_a_length_are_read_one_by_one():
    live = []

    class Lazy:
        def __len__(self):
            return 4

        def __iter__(self):
            for number in range(4):
                live.append(number)
                yield torch.arange(8) + 8 * number

    task = LineTask()
    task.batches = lambda epoch, batch_size, generator: Lazy()
    task.validate = lambda: {'loss': 0.0}
    seen = []
    loss = task.loss
    task.loss = lambda batch, epoch: (seen.append(len(live)), loss(batch, epoch))[1]
    fit_piece(task, dataclasses.replace(SETTINGS, epochs=1), seed=0)
    assert seen == [1, 2, 3, 4]


def test_learning_rate_warms_up_and_decays():
    rates = [learning_rate(SETTINGS, progress) for progress in (0.0, 0.05, 1.0)]
    assert rates == pytest.approx([0.1 * 0.02, 0.02, 0.02 * 0.02])


@pytest.mark.slow
def test_compiled_training_follows_the_plain_one():
    plain = fit_piece(LineTask(), SETTINGS, seed=0)
    task = LineTask()
    compiled = fit_piece(task, dataclasses.replace(SETTINGS, compile=True), seed=0)
    assert compiled.best.keys() == plain.best.keys()
    assert all(math.isfinite(record['loss']) for record in compiled.history)
    assert compiled.history[-1]['loss'] < 0.3 * compiled.history[0]['loss']


@pytest.mark.parametrize(('amp', 'found'), [('off', 'float32'), ('on', 'bfloat16')])
def test_device_and_precision_that_were_used_are_recorded(amp, found):
    progress = fit_piece(LineTask(), dataclasses.replace(SETTINGS, epochs=1, amp=amp), seed=0).progress()
    assert (progress['device'], progress['precision']) == ('cpu', found)
