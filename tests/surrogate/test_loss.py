"""Losses with missing labels."""

import math

import pytest
import torch

from aiida_osc.surrogate.loss import masked_loss

MEAN = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]], dtype=torch.float64)
SIGMA = torch.tensor([[[1.0, 2.0], [0.5, 1.0]]], dtype=torch.float64)
LABELS = torch.tensor([[1.0, math.nan], [2.5, 1.0]], dtype=torch.float64)
ONES = torch.ones(1, 2, dtype=torch.float64)


def test_warm_up_is_half_the_squared_error_of_the_labels_there():
    # errors 1, 0.5, 2 -> (1 + 0.25 + 4) / 3 / 2
    assert float(masked_loss(MEAN, SIGMA, LABELS, ONES, warm_up=True)) == pytest.approx(5.25 / 6)


def test_beta_zero_is_the_gaussian_likelihood_of_torch():
    present = torch.isfinite(LABELS)
    expected = torch.nn.GaussianNLLLoss()(MEAN[0][present], LABELS[present], SIGMA[0][present] ** 2)
    assert float(masked_loss(MEAN, SIGMA, LABELS, ONES, warm_up=False, beta=0.0)) == pytest.approx(float(expected))


def test_beta_one_teaches_the_mean_like_the_squared_error():
    gradients = []
    for options in ({'warm_up': False, 'beta': 1.0}, {'warm_up': True}):
        mean = MEAN.clone().requires_grad_()
        masked_loss(mean, SIGMA, LABELS, ONES, **options).backward()
        gradients.append(mean.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


def test_missing_labels_give_no_gradient():
    mean, sigma = MEAN.clone().requires_grad_(), SIGMA.clone().requires_grad_()
    masked_loss(mean, sigma, LABELS, ONES, warm_up=False).backward()
    assert float(mean.grad[0, 0, 1]) == float(sigma.grad[0, 0, 1]) == 0
    assert torch.isfinite(mean.grad).all()
    assert (mean.grad != 0).sum() == 3


def test_weights_count_molecules_per_member():
    doubled = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    only = masked_loss(MEAN[:, :1], SIGMA[:, :1], LABELS[:1], ONES[:, :1], warm_up=False)
    assert float(masked_loss(MEAN, SIGMA, LABELS, doubled, warm_up=False)) == pytest.approx(float(only))


def test_nothing_labelled_is_zero():
    assert float(masked_loss(MEAN, SIGMA, LABELS * math.nan, ONES, warm_up=False)) == 0
