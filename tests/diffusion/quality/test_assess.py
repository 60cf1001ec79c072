"""Figures of structures whose faults are known because they were made."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from aiida_osc.chem.handedness import reflect
from aiida_osc.diffusion.quality.assess import PEER, AssessSettings, assess
from aiida_osc.diffusion.quality.busters import bust
from aiida_osc.diffusion.quality.references import Reference
from aiida_osc.errors import OscError

SMILES = ('c1ccc(-c2cccs2)cc1', 'C[C@H](N)C(=O)O', 'CCO')


@pytest.fixture(scope='module')
def references():
    """Return MMFF94 minima of three molecules."""
    found = []
    for smiles in SMILES:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
        rdForceFieldHelpers.MMFFOptimizeMolecule(mol)
        found.append(Reference(smiles, mol.GetConformer().GetPositions()))
    return found


def own(references):
    return [item.positions[0] for item in references]


def test_the_references_themselves_are_perfect(references):
    figures = assess(references, own(references))
    assert figures['molecules'] == figures['structures'] == 3
    assert figures['plausible'] == 1.0
    for name in ('rmsd_mean', 'amr_recall', 'bond_mae', 'angle_mae', 'torsion_mae', 'ring_roughness_mae'):
        assert figures[name] == pytest.approx(0.0, abs=1e-6), name
    assert figures['coverage'][0] == {'threshold': 0.25, 'recall': 1.0, 'precision': 1.0}
    assert figures['xtb'] == {}
    json.dumps(figures, allow_nan=False)


def test_stretched_structures_have_the_error_that_was_made(references):
    """A structure blown up by 2 %: bonds are 2 % too long, angles and torsions as before."""
    figures = assess(references, [1.02 * positions for positions in own(references)], AssessSettings(least=1))
    lengths = [
        np.linalg.norm(item.positions[0][bond.GetBeginAtomIdx()] - item.positions[0][bond.GetEndAtomIdx()])
        for item in references
        for bond in item.mol.GetBonds()
    ]
    assert figures['bond_mae'] == pytest.approx(0.02 * np.mean(lengths))
    assert figures['angle_mae'] == pytest.approx(0.0, abs=1e-6)
    assert figures['torsion_mae'] == pytest.approx(0.0, abs=1e-6)
    assert figures['wasserstein']['bond']['C=O'] == pytest.approx(0.02 * 1.21, abs=0.001)  # a carboxylic acid's
    kinds = {'C:C-C:C', 'C:C-C:S', 'C-C-C-O', 'C-C-C=O', 'N-C-C-O', 'N-C-C=O'}
    assert set(figures['wasserstein']['torsion']) == kinds


def test_mirror_images_count_only_when_asked_for(references):
    mirrored = [reflect(positions) for positions in own(references)]
    strict = assess(references, mirrored)
    assert strict['faults'] == {'stereo': 1}
    assert strict['plausible'] == pytest.approx(2 / 3)
    assert strict['rmsd_mean'] > 0.05
    kind = assess(references, mirrored, AssessSettings(mirror=True))
    assert kind['rmsd_mean'] == pytest.approx(0.0, abs=1e-6)
    assert kind['torsion_mae'] == pytest.approx(0.0, abs=1e-4)
    assert kind['faults'] == {'stereo': 1}  # handedness counts all the same


def test_missing_structures_are_counted_and_lower_the_recall(references):
    figures = assess(references, [None, *own(references)[1:]])
    assert figures['without_structure'] == 1
    assert figures['structures'] == 2
    assert figures['coverage'][1] == pytest.approx({'threshold': 0.5, 'recall': 2 / 3, 'precision': 1.0})
    nothing = assess(references, [None] * 3)
    assert nothing['rmsd_mean'] is nothing['bond_mae'] is nothing['plausible'] is None
    assert nothing['coverage'][1] == {'threshold': 0.5, 'recall': 0.0, 'precision': None}


def test_equal_input_gives_equal_figures(references):
    first, second = (assess(references, [positions + 0.01 for positions in own(references)]) for _ in range(2))
    assert first == second


@pytest.mark.xtb
def test_a_relaxed_structure_has_no_strain_and_costs_less(references):
    from aiida_osc.diffusion.quality.relaxation import relax

    ethanol = references[2]
    minimum = relax(ethanol.mol, ethanol.positions[0])
    assert minimum.converged
    assert 0.005 < minimum.strain < 0.5
    figures = assess([ethanol], [minimum.positions], AssessSettings(relaxed=1))
    assert figures['xtb']['structures']['strain_mean_ev'] == pytest.approx(0.0, abs=1e-4)
    assert figures['xtb']['structures']['gradient_calls'] < figures['xtb'][PEER]['gradient_calls']
    assert figures['xtb'][PEER]['cpu_seconds'] > 0


@pytest.mark.skipif(find_spec('posebusters') is None, reason='posebusters is not installed')
def test_posebusters_finds_a_broken_ring(references):
    phenyl = references[0]
    bent = phenyl.positions[0].copy()
    bent[0] += np.array([0.0, 0.0, 1.0]) if abs(np.ptp(bent[:, 2])) < 2 else 1.0
    good, bad = (bust([phenyl.mol], [positions]) for positions in (phenyl.positions[0], bent))
    assert good['all'] == 1.0
    assert bad['all'] == 0.0


def test_posebusters_missing_is_said(references, monkeypatch):
    monkeypatch.setattr('aiida_osc.diffusion.quality.busters.find_spec', lambda name: None)
    assert assess(references, own(references))['posebusters'] == {'installed': False}
    assert assess(references, own(references), AssessSettings(posebusters=False))['posebusters'] == {}


def test_bad_input(references):
    with pytest.raises(OscError, match='2 sets of structures for 3 references'):
        assess(references, own(references)[:2])
    with pytest.raises(OscError, match='do not fit 19 atoms'):
        assess(references[:1], [np.zeros((3, 3))])
    with pytest.raises(OscError, match='at least one structure'):
        Reference('C', np.zeros((0, 5, 3)))
    with pytest.raises(OscError, match='must be positive'):
        AssessSettings(thresholds=(0.0,))
