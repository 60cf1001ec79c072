"""The directed message-passing network."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.errors import OscError
from aiida_osc.surrogate.featurise import featurise, featurise_mols
from aiida_osc.surrogate.network import MIN_SIGMA, Architecture, EnsembleNetwork, add_rows

SMILES = ['CC#N', 'c1ccsc1', 'C', 'FC(F)(F)c1ccc2ccccc2c1']


def network(**changes):
    values = {'members': 3, 'hidden': 8, 'depth': 3, 'readout': 8, 'targets': 2, 'pooling': 'mean+sum'}
    torch.manual_seed(0)
    return EnsembleNetwork(Architecture(**{**values, **changes})).eval()


def test_shapes_and_positive_spread():
    mean, sigma = network()(featurise(SMILES).batch(range(4)))
    assert mean.shape == sigma.shape == (3, 4, 2)
    assert (sigma >= MIN_SIGMA).all()


@pytest.mark.parametrize('pooling', ['mean', 'mean+sum'])
def test_order_of_atoms_does_not_matter(pooling):
    model = network(pooling=pooling)
    mols = [Chem.MolFromSmiles(item) for item in SMILES]
    rng = np.random.default_rng(0)
    shuffled = [Chem.RenumberAtoms(mol, rng.permutation(mol.GetNumAtoms()).tolist()) for mol in mols]
    for one, other in zip(
        model(featurise_mols(mols).batch(range(4))), model(featurise_mols(shuffled).batch(range(4))), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_order_of_molecules_only_orders_the_rows():
    model, graphs = network(), featurise(SMILES)
    mean = model(graphs.batch(range(4)))[0]
    torch.testing.assert_close(model(graphs.batch([2, 0, 3, 1]))[0], mean[:, [2, 0, 3, 1]], rtol=1e-5, atol=1e-6)


def test_members_do_not_see_each_other():
    model, graphs = network(), featurise(SMILES)
    alone = network(members=1)
    weights = {
        name: tensor.view(3, -1, tensor.shape[-1])[1] if tensor.dim() == 2 else tensor[1:2]
        for name, tensor in model.state_dict().items()
    }
    alone.load_state_dict(weights)
    batch = graphs.batch(range(4))
    torch.testing.assert_close(alone(batch)[0][0], model(batch)[0][1], rtol=1e-5, atol=1e-6)


def test_connected_atoms_matter():
    """Isomers with the same atoms and bonds but another order differ."""
    mean = network()(featurise(['CCCOCCN', 'CCOCCCN']).batch([0, 1]))[0]
    assert (mean[:, 0] - mean[:, 1]).abs().max() > 1e-4


def test_gradient_of_row_sums():
    batch = featurise(SMILES).batch(range(4))
    for name, rows in (('onward', 2 * len(batch.bonds)), ('arrive', 2 * len(batch.bonds)), ('pool', len(batch.atoms))):
        x = torch.randn(2, rows, 3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(add_rows, (x, getattr(batch, name)))


@pytest.mark.parametrize(
    'changes', [{'members': 0}, {'hidden': 10**9}, {'depth': 0}, {'pooling': 'max'}, {'dropout': 1.0}, {'targets': 0}]
)
def test_impossible_shapes_are_refused(changes):
    with pytest.raises(OscError, match=f'setting {next(iter(changes))} is'):
        network(**changes)
