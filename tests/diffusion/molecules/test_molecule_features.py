"""Features of molecules, checked against structures that RDKit embeds."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from aiida_osc.diffusion.molecules.features import CIS, FAR, PAIR_FEATURES, SYMBOLS, featurise, pack, unpack
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import with_hydrogens


def embedded(smiles):
    """Return a molecule with one structure."""
    mol = with_hydrogens(smiles)
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=3) == 0
    return mol


@pytest.mark.parametrize(
    'smiles', ['C[C@H](O)F', 'C[C@@H](O)F', 'F[C@](Cl)(Br)I', 'C[S@](=O)CC', 'C[S@@](=O)CC', 'C[P@](CC)c1ccccc1']
)
def test_sign_of_a_centre_is_that_of_the_structure(smiles):
    mol = embedded(smiles)
    positions = mol.GetConformer().GetPositions()

    ((centre, *around, sign),) = featurise(mol).centres
    assert np.sign(np.linalg.det(positions[around] - positions[centre])) == sign


@pytest.mark.parametrize('smiles', ['C/C=C/C', 'C/C=C\\C', 'C1=CCCCC1', 'Cc1ccsc1', 'C/C(F)=N/C'])
def test_sides_of_double_bonds_are_those_of_the_structure(smiles):
    mol = embedded(smiles)
    side = unpack(featurise(mol).pairs)['side']
    pairs = np.argwhere(np.triu(side) > 0)

    assert len(pairs) >= 2
    for i, j in pairs.tolist():
        path = Chem.GetShortestPath(mol, i, j)
        if len(path) == 4:
            angle = abs(rdMolTransforms.GetDihedralDeg(mol.GetConformer(), *path))
            assert (angle < 90) == (side[i, j] == CIS)


def test_pairs():
    features = unpack(featurise(with_hydrogens('C=CC=CCCCCC')).pairs)

    assert features['distance'][0, :9].tolist() == [0, 1, 2, 3, 4, 5, 6, FAR, FAR]
    assert features['bond'][0, :3].tolist() == [0, 2, 0]
    # The chain is conjugated over its first four atoms.
    assert features['conjugated'][0, :6].tolist() == [0, 1, 1, 1, 0, 0]
    for values in features.values():
        assert (values == values.T).all()


def test_codes_are_unpacked_as_they_were_packed():
    rng = np.random.default_rng(0)
    features = {name: rng.integers(0, size, (5, 5)) for name, size in PAIR_FEATURES.items()}

    again = unpack(pack(features))
    assert all((again[name] == values).all() for name, values in features.items())


def test_atoms():
    graph = featurise(with_hydrogens('c1ccsc1'))

    assert [SYMBOLS[number] for number in graph.atoms[:, 0]] == ['C', 'C', 'C', 'S', 'C', 'H', 'H', 'H', 'H']
    assert graph.centres.shape == (0, 5)


def test_refusals():
    with pytest.raises(OscError, match='element U'):
        featurise(Chem.MolFromSmiles('[U]'))
    with pytest.raises(OscError, match='more than one fragment'):
        featurise(with_hydrogens('C.C'))
