"""Decomposition into motifs and exact reassembly."""

import csv
from pathlib import Path

import pytest
from cores import CORES
from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.datasets.seed import load_seed
from aiida_osc.generator.assemble import assemble, decompose_exactly
from aiida_osc.generator.audit import audit_motifs
from aiida_osc.generator.junction import JunctionTree, Node, decompose
from aiida_osc.generator.motifs import ANCHOR, AtomKind, canonical_motif

SHARED = Path(__file__).parents[2].parent / 'shared' / 'data'


@pytest.mark.parametrize('chains', [None, frozenset()], ids=['whole chains', 'split chains'])
@pytest.mark.parametrize('name', CORES)
def test_cores_come_back_exactly(name, chains):
    tree = decompose(CORES[name], chains)
    assert Chem.MolToSmiles(assemble(tree)) == Chem.CanonSmiles(CORES[name])


@pytest.mark.parametrize('name', ['PDI', 'Y6', 'spiroOMeTAD', 'isoindigoE', 'chiralring', 'porphine', 'squaraine'])
def test_order_of_atoms_does_not_matter(name):
    mol = Chem.MolFromSmiles(CORES[name])
    tree = decompose(CORES[name])
    for seed in range(5):
        shuffled = Chem.MolToRandomSmilesVect(mol, 1, randomSeed=seed + 1)[0]
        assert decompose(shuffled) == tree


def test_fused_rings_are_motifs_of_their_own_and_peri_fused_ones_are_not():
    assert [node.motif.key for node in decompose(CORES['pentacene']).nodes] == ['ring:c1ccccc1'] * 5
    assert len(decompose(CORES['perylene'])) == 1
    assert len(decompose(CORES['PDI'])) == 1


def test_the_same_motif_serves_a_free_and_a_substituted_nitrogen():
    free, bound = decompose('c1ccc2c(c1)[nH]c1ccccc12'), decompose('c1ccc(-n2c3ccccc3c3ccccc32)cc1')
    pyrrole = 'ring:c1cc[21n]c1'
    assert pyrrole in {node.motif.key for node in free.nodes}
    assert pyrrole in {node.motif.key for node in bound.nodes}


def test_a_rare_chain_is_split_into_bonds_and_tight_groups():
    whole, split = decompose('CCC(=O)Oc1ccccc1'), decompose('CCC(=O)Oc1ccccc1', frozenset())
    assert sorted(node.motif.key for node in whole.nodes) == ['chain:*OC(=O)CC', 'ring:c1ccccc1']
    assert 'chain:C=O' in {node.motif.key for node in split.nodes}
    assert assemble(whole).GetNumAtoms() == assemble(split).GetNumAtoms() == 11


def test_children_follow_their_parents_and_share_atoms_of_one_kind():
    for node in (tree := decompose(CORES['ITIC'])).nodes[1:]:
        above = tree.nodes[node.parent].motif
        pairs = zip(node.site, node.attachment, strict=True)
        for first, second in ((above.atoms[i], node.motif.atoms[j]) for i, j in pairs):
            assert ANCHOR in (first, second) or first == second


@pytest.mark.parametrize(
    ('smiles', 'reason'),
    [('CCO\nC', 'white space'), ('c1ccc', 'invalid'), ('C[CH2]', 'radical'), ('N->B', 'dative')],
)
def test_bad_molecules_are_refused_with_a_reason(smiles, reason):
    with pytest.raises(MoleculeError, match=reason):
        decompose_exactly(smiles)


def test_motifs_that_make_no_molecule_are_refused():
    aromatic = tuple([AtomKind(6, 0, True)] * 5)
    ring, _ = canonical_motif('ring', aromatic, tuple((i, (i + 1) % 5, 4) for i in range(5)))
    with pytest.raises(MoleculeError, match='do not make a valid molecule'):
        assemble(JunctionTree((Node(ring),)))


def test_the_seed_set_decomposes_exactly():
    table = load_seed()
    audit = audit_motifs(table.smiles)
    assert audit.rejected == {}
    assert audit.exact == len(table) >= 300
    assert len(audit.vocabulary.motifs) < len(table) / 2


@pytest.mark.parametrize('name', ['cep/cep_pce.csv', 'nfa/nfa_homo_lumo.csv'])
def test_published_sets_decompose_exactly(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f'{path} is not on this machine')
    with path.open() as stream:
        smiles = [row['smiles'] for _, row in zip(range(60), csv.DictReader(stream), strict=False)]
    assert audit_motifs(smiles).exact == 60
