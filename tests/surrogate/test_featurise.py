"""Graphs as integer categories."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.surrogate.featurise import (
    ATOM_CATEGORIES,
    ATOM_SIZES,
    BOND_CATEGORIES,
    BOND_SIZES,
    _atom_row,
    featurise,
    featurise_mols,
)

SMILES = ['CC#N', 'c1ccsc1', 'C', 'FC(F)(F)c1ccc2ccccc2c1']


def dense(sums, rows):
    """Return the matrix that ``sums`` stands for, and the one of its transpose."""
    matrices = []
    for index, offsets, width in (
        (sums.index, sums.offsets, rows),
        (sums.back_index, sums.back_offsets, len(sums.offsets)),
    ):
        ends = [*offsets.tolist()[1:], len(index)]
        matrix = np.zeros((len(offsets), width))
        for row, (start, end) in enumerate(zip(offsets.tolist(), ends, strict=True)):
            np.add.at(matrix[row], index[start:end].numpy(), 1)
        matrices.append(matrix)
    return matrices


def test_categories_lie_in_the_range_of_their_feature():
    graphs = featurise(SMILES)
    for values, sizes in ((graphs.atoms, ATOM_SIZES), (graphs.bonds, BOND_SIZES)):
        ends = np.cumsum(sizes)
        assert (values >= ends - sizes).all()
        assert (values < ends).all()
    assert graphs.atoms.max() < ATOM_CATEGORIES
    assert graphs.bonds.max() < BOND_CATEGORIES
    assert graphs.atom_offsets.tolist() == [0, 3, 8, 9, 23]
    assert graphs.bond_offsets.tolist() == [0, 2, 7, 7, 22]


def test_rings_and_conjugation_are_seen():
    ring, chain = featurise(['C1CCCCC1', 'CCCCCC']), featurise(['C=CC=C', 'C=CCC=C'])
    assert not set(ring.atoms[0]) & {ring.atoms[6][6]}  # ring size of an atom in and out of a ring
    conjugated = ATOM_CATEGORIES - 1
    assert (chain.atoms[:4, -1] == conjugated).all()
    assert (chain.atoms[6, -1]) == conjugated - 1  # the saturated carbon between two double bonds


def test_sums_are_the_matrices_of_the_graph():
    batch = featurise(SMILES).batch(range(4))
    atoms, edges = len(batch.atoms), 2 * len(batch.bonds)
    matrices = {name: dense(getattr(batch, name), rows) for name, rows in (
        ('start', atoms), ('both', edges // 2), ('onward', edges), ('arrive', edges), ('pool', atoms)
    )}  # fmt: skip
    for forward, backward in matrices.values():
        np.testing.assert_array_equal(backward, forward.T)
    start, arrive = matrices['start'][0], matrices['arrive'][0]
    reverse = np.eye(edges)[np.arange(edges) ^ 1]
    np.testing.assert_array_equal(reverse @ start, arrive.T)
    # an edge hears all that arrive where it starts, except its own reverse
    np.testing.assert_array_equal(matrices['onward'][0], start @ arrive - reverse)
    np.testing.assert_array_equal(matrices['both'][0].sum(axis=0), np.full(edges // 2, 2))
    np.testing.assert_array_equal(matrices['pool'][0].sum(axis=1), batch.sizes.numpy())


def test_a_batch_is_its_molecules_side_by_side():
    graphs = featurise(SMILES)
    both, alone = graphs.batch([3, 0]), graphs.batch([0])
    assert torch.equal(both.atoms[-3:], alone.atoms)
    assert torch.equal(both.bonds[-2:], alone.bonds)
    assert both.sizes.tolist() == [14, 3]
    assert (both.start.index[-4:] - 14).tolist() == alone.start.index.tolist()


def test_one_atom_and_no_molecule_are_graphs():
    batch = featurise(['C']).batch([0])
    assert (len(batch.atoms), len(batch.bonds), len(batch.onward.index)) == (1, 0, 0)
    empty = featurise([])
    assert len(empty) == 0
    assert len(empty.batch([]).atoms) == 0


def test_unknown_elements_share_a_category():
    graphs = featurise_mols([Chem.MolFromSmiles('[Xe]'), Chem.MolFromSmiles('[Pt]')])
    assert graphs.atoms[0, 0] == graphs.atoms[1, 0] == ATOM_SIZES[0] - 1


def test_atoms_that_stand_for_others_are_like_them():
    """The categories of each atom, asked one by one, are those of the first that was found alike."""
    odd = [
        'C[O-]',
        'C[NH3+]',
        '[CH3]',
        'C[N+](=O)[O-]',
        'C[NH2]->[Zn]',
        'CS(=O)(=O)C',
        'C1CC12CC2',
        '[H][H]',
    ]
    mols = [Chem.MolFromSmiles(item) for item in [*SMILES, *odd, 'c1cc2ccc3cccc4ccc(c1)c2c34']]
    rows = [
        _atom_row(mol, atom.GetIdx(), any(bond.GetIsConjugated() for bond in atom.GetBonds()))
        for mol in mols
        for atom in mol.GetAtoms()
    ]
    np.testing.assert_array_equal(featurise_mols(mols).atoms, rows)


def test_known_names_the_strangers():
    graphs = featurise(['CCO', 'CCN', 'CC', 'c1ccccc1'])
    seen = [np.flatnonzero(item) for item in graphs.categories([0, 2])]
    assert graphs.known(np.arange(4), seen).tolist() == [True, False, True, False]


def test_invalid_smiles_is_refused():
    with pytest.raises(MoleculeError, match='invalid SMILES'):
        featurise(['CC', 'C1'])
