import numpy as np
import pytest
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.ML.Cluster import Butina

from aiida_osc.chem.clusters import BITS, clusters, pack
from aiida_osc.chem.molecules import parse_smiles
from aiida_osc.datasets.seed_set import load_seed


@pytest.fixture(scope='module')
def mols():
    return [parse_smiles(smiles) for smiles in load_seed(labelled=False).smiles[:200]]


@pytest.fixture(scope='module')
def tanimoto(mols):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
    prints = [generator.GetFingerprint(mol) for mol in mols]
    return np.array([DataStructs.BulkTanimotoSimilarity(item, prints) for item in prints])


def test_small_sets_are_clustered_as_by_rdkit(mols, tanimoto):
    distances = [1 - tanimoto[row, other] for row in range(len(mols)) for other in range(row)]
    expected = Butina.ClusterData(distances, len(mols), 0.55, isDistData=True)
    found = clusters(pack(mols), 0.45)
    sizes = sorted(map(len, expected), reverse=True)
    # Ties of equally many neighbours are broken in another order.
    assert sorted(np.bincount(found).tolist(), reverse=True)[:3] == sizes[:3]
    assert abs(len(sizes) - found.max() - 1) <= 0.03 * len(mols)


@pytest.mark.parametrize('exact_up_to', [0, 1000])
def test_every_cluster_has_a_molecule_that_is_similar_to_all_others(mols, tanimoto, exact_up_to):
    found = clusters(pack(mols), 0.5, exact_up_to)
    for number in range(found.max() + 1):
        rows = np.flatnonzero(found == number)
        assert len(rows) >= 1
        assert (tanimoto[np.ix_(rows, rows)] >= 0.5).all(axis=1).any()


def test_around_leaders_no_leader_is_similar_to_an_earlier_one(mols, tanimoto):
    found = clusters(pack(mols), 0.5, exact_up_to=0)
    leaders = [int(np.flatnonzero(found == number)[0]) for number in range(found.max() + 1)]
    between = tanimoto[np.ix_(leaders, leaders)] - np.eye(len(leaders))
    assert between.max() < 0.5


@pytest.mark.parametrize('exact_up_to', [0, 1000])
def test_what_is_no_molecule_is_alone(exact_up_to):
    found = clusters(pack([parse_smiles('c1ccccc1'), None, parse_smiles('c1ccccc1'), None]), 0.5, exact_up_to)
    assert found[0] == found[2]
    assert len(set(found.tolist())) == 3
