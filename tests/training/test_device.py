"""Device and precision."""

from contextlib import nullcontext

import pytest
import torch

from aiida_osc.errors import OscError
from aiida_osc.training.device import autocast, precision, resolve_device


def test_auto_follows_the_hardware():
    assert resolve_device('auto').type == ('cuda' if torch.cuda.is_available() else 'cpu')
    assert resolve_device('cpu') == torch.device('cpu')


@pytest.mark.parametrize('name', ['nonsense', 'cuda:99', ''])
def test_unusable_device_is_one_sentence(name):
    with pytest.raises(OscError, match='give auto or cpu'):
        resolve_device(name)


def test_precision():
    cpu = torch.device('cpu')
    assert isinstance(autocast(cpu, 'off'), nullcontext)
    assert (precision(cpu, 'off'), precision(cpu, 'on')) == ('float32', 'bfloat16')
    assert isinstance(autocast(cpu, 'auto'), nullcontext) == (precision(cpu, 'auto') == 'float32')
    with autocast(cpu, 'on'):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with pytest.raises(OscError, match='give auto, on or off'):
        autocast(cpu, 'yes')
