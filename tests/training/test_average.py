import pytest
import torch

from aiida_osc.training.average import WeightAverage


def test_mean_follows_the_weights_and_can_be_tried_on():
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(0.0)
    average = WeightAverage(module, 0.9)
    module.weight.data.fill_(1.0)

    average.update(module, 1000)
    assert average.tensors()['weight'].item() == pytest.approx(0.1)
    with average.applied(module):
        assert module.weight.item() == pytest.approx(0.1)
    assert module.weight.item() == 1.0


def test_mean_forgets_its_start_early_on():
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(0.0)
    average = WeightAverage(module, 0.999)
    module.weight.data.fill_(1.0)

    # (1 + 0) / (10 + 0) of the start stays.
    average.update(module, 0)
    assert average.tensors()['weight'].item() == pytest.approx(0.9)


def test_no_mean():
    module = torch.nn.Linear(2, 2)
    before = module.weight.detach().clone()
    average = WeightAverage(module, 0.0)
    average.update(module, 3)
    with average.applied(module):
        assert torch.equal(module.weight, before)
    assert average.tensors() == {}


def test_mean_goes_on_from_a_checkpoint():
    module = torch.nn.Linear(1, 1, bias=False)
    average = WeightAverage(module, 0.5, {'weight': torch.tensor([[4.0]])})
    module.weight.data.fill_(0.0)
    average.update(module, 100)
    assert average.tensors()['weight'].item() == pytest.approx(2.0)
