"""Edges and atoms that look alike."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.surrogate.environments import environments
from aiida_osc.surrogate.featurise import featurise, featurise_mols

SMILES = ['CC#N', 'c1ccsc1', 'C', 'FC(F)(F)c1ccc2ccccc2c1', 'CC#N']


def kinds(smiles, depth):
    """Return the number of kinds of messages after each step, and of atoms that heard them."""
    found = environments(featurise(smiles).batch(range(len(smiles))), depth)
    return [*(len(step.first.index) for step in found.steps), len(found.last.first.index)]


def test_symmetry_decides_the_number_of_kinds():
    assert kinds(['c1ccccc1'], 3) == [1, 1, 1, 1]
    # from the ring of toluene outwards: methyl, ipso, ortho, meta, para
    assert kinds(['Cc1ccccc1'], 4)[-1] == 5
    assert kinds(['CC#N', 'CC#N'], 2) == kinds(['CC#N'], 2) == [4, 4, 3]
    assert kinds(['C'], 2) == [0, 0, 1]


def test_kinds_differ_from_the_step_on_that_tells_them_apart():
    """Both ends of a chain look alike until the message from the other end, of another element, arrives."""
    for length in (2, 3, 4):
        different = [f'F{"C" * length}O', f'F{"C" * length}N']
        counts = [kinds(different, depth)[-2] - kinds(different[:1], depth)[-2] for depth in (1, length + 1)]
        assert counts[0] < counts[1]


def unrolled(batch, depth):
    """Return the environment of each atom written out as nested tuples."""
    ends = [*batch.onward.offsets.tolist()[1:], len(batch.onward.index)]
    heard = [batch.onward.index[a:b].tolist() for a, b in zip(batch.onward.offsets.tolist(), ends, strict=True)]
    atoms, bonds = [tuple(row) for row in batch.atoms.tolist()], [tuple(row) for row in batch.bonds.tolist()]
    first = [(atoms[start], bonds[edge // 2]) for edge, start in enumerate(batch.start.index.tolist())]
    state = list(first)
    for _ in range(depth):
        state = [
            (own, tuple(sorted(str(state[edge]) for edge in before))) for own, before in zip(first, heard, strict=True)
        ]
    ends = [*batch.arrive.offsets.tolist()[1:], len(batch.arrive.index)]
    arriving = [batch.arrive.index[a:b].tolist() for a, b in zip(batch.arrive.offsets.tolist(), ends, strict=True)]
    return [
        (own, tuple(sorted(str(state[edge]) for edge in before))) for own, before in zip(atoms, arriving, strict=True)
    ]


@pytest.mark.parametrize('depth', [1, 2, 3])
def test_atoms_of_a_kind_have_the_same_environment(depth):
    batch = featurise([*SMILES, 'c1ccc2sccc2c1', 'CCCCO', 'OCCCC']).batch(range(8))
    found = environments(batch, depth)
    written = unrolled(batch, depth)
    pairs = set(zip(found.pool.index.tolist(), written, strict=True))
    assert len(pairs) == len(set(written)) == len(found.last.first.index)


def test_sums_and_their_transposes_agree():
    found = environments(featurise(SMILES).batch(range(5)), 2)
    for sums, rows in ((found.pool, len(found.last.first.index)), (found.last.heard, len(found.steps[-1].first.index))):
        forward, backward = np.zeros((len(sums.offsets), rows)), np.zeros((rows, len(sums.offsets)))
        for matrix, index, offsets in (
            (forward, sums.index, sums.offsets),
            (backward, sums.back_index, sums.back_offsets),
        ):
            ends = [*offsets.tolist()[1:], len(index)]
            for row, (start, end) in enumerate(zip(offsets.tolist(), ends, strict=True)):
                np.add.at(matrix[row], index[start:end].numpy(), 1)
        np.testing.assert_array_equal(backward, forward.T)


def test_the_order_of_atoms_does_not_matter():
    mol = Chem.MolFromSmiles(SMILES[3])
    order = np.random.default_rng(0).permutation(mol.GetNumAtoms()).tolist()
    both = featurise_mols([mol, Chem.RenumberAtoms(mol, order)]).batch([0, 1])
    pooled = environments(both, 4).pool.index.reshape(2, -1).sort().values
    assert torch.equal(pooled[0], pooled[1])
