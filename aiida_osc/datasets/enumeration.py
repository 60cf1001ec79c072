"""Molecules made of others by rules: rings joined, cut and fused, substituents set, atoms of rings exchanged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdChemReactions

from aiida_osc.chem.molecules import Molecule, MoleculeError, parse_smiles, standardise_mol
from aiida_osc.chem.synthesis import sa_score
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import SA_SCORE
from aiida_osc.settings import Settings

SOURCE = 'enumerated'
#: What one step does to a molecule, as reactions; those of two reactants take a second molecule.
RULES = {
    'join': '[cH:1].[cH:2]>>[c:1]-[c:2]',
    'join by vinylene': '[cH:1].[cH:2]>>[c:1]/C=C/[c:2]',
    'join by ethynylene': '[cH:1].[cH:2]>>[c:1]C#C[c:2]',
    'join by thiophene': '[cH:1].[cH:2]>>[c:1]-c1ccc(-[c:2])s1',
    'cut': '[c:1]-!@[#6,#7,#8;!H3:2]>>[c:1]',
    'fuse benzene': '[cH:1]:[cH:2]>>[c:1]1:c:c:c:c:[c:2]:1',
    'set F': '[cH:1]>>[c:1]F',
    'set Cl': '[cH:1]>>[c:1]Cl',
    'set CN': '[cH:1]>>[c:1]C#N',
    'set CH3': '[cH:1]>>[c:1]C',
    'set CF3': '[cH:1]>>[c:1]C(F)(F)F',
    'set OCH3': '[cH:1]>>[c:1]OC',
    'set N(CH3)2': '[cH:1]>>[c:1]N(C)C',
    'CH to N': '[cH:1]>>[n:1]',
    'N to CH': '[nX2:1]>>[cH:1]',
    'S to O': '[s:1]>>[o:1]',
    'S to Se': '[s:1]>>[se:1]',
    'S to NH': '[s:1]>>[nH:1]',
    'O to S': '[o:1]>>[s:1]',
}
#: Products of a step of which one is drawn, at most.
_PRODUCTS = 200


@dataclass(frozen=True)
class EnumerationSettings(Settings):
    """What is made, and what of it is kept.

    :param count: molecules to make.
    :param steps: rules applied one after the other, from 1 to this many.
    :param min_heavy_atoms: of a molecule that is kept.
    :param max_heavy_atoms: of a molecule that is kept.
    :param max_sa_score: synthetic accessibility above which a molecule is left out.
    :param attempts: walks per molecule asked for, after which it ends with what there is.
    """

    count: int = 1000
    steps: int = 4
    min_heavy_atoms: int = 6
    max_heavy_atoms: int = 40
    max_sa_score: float = 4.5
    attempts: int = 20

    def __post_init__(self) -> None:
        """Check the ranges.

        :raises OscError: when a value makes no sense.
        """
        if min(self.count, self.steps, self.attempts) < 1:
            raise OscError('count, steps and attempts of an enumeration are at least 1')
        if not 1 <= self.min_heavy_atoms <= self.max_heavy_atoms:
            raise OscError(f'heavy atoms from {self.min_heavy_atoms} to {self.max_heavy_atoms} are no range')


def enumerate_molecules(
    smiles: Sequence[str], settings: EnumerationSettings, *, seed: int
) -> tuple[MoleculeTable, dict[str, int]]:
    """Return new molecules with their synthetic accessibility, and why walks ended in none.

    Each comes of a random walk: a molecule of ``smiles`` is drawn, then rule after rule applied at random places.
    Molecules of ``smiles`` are not made again.

    :param seed: of all draws.
    :return: ``(molecules, reasons)``, reasons with their counts.
    :raises OscError: when there is nothing to start from.
    """
    if not smiles:
        raise OscError('there is no molecule to make others of: give at least one')
    rng = np.random.default_rng(seed)
    parents = [parse_smiles(item) for item in smiles]
    known = {standardise_mol(mol).inchikey for mol in parents}
    reasons: Counter[str] = Counter()
    found: list[Molecule] = []
    scores: list[float] = []
    for _ in range(settings.attempts * settings.count):
        try:
            with rdBase.BlockLogs():
                mol = _walk(parents, settings, rng)
            made = standardise_mol(mol)
            if made.inchikey in known:
                raise MoleculeError('made before')
            score = _accepted(mol, settings)
        except MoleculeError as exception:
            reasons[str(exception)] += 1
            continue
        known.add(made.inchikey)
        found.append(made)
        scores.append(score)
        if len(found) == settings.count:
            break
    columns = {Column('sa_score', SA_SCORE): np.array(scores)}
    names, keys = tuple(item.smiles for item in found), tuple(item.inchikey for item in found)
    return MoleculeTable(names, keys, (SOURCE,) * len(found), columns), dict(sorted(reasons.items()))


def _walk(parents: Sequence[Chem.Mol], settings: EnumerationSettings, rng: np.random.Generator) -> Chem.Mol:
    """Return a molecule some steps from one of ``parents``.

    :raises MoleculeError: when a step has no valid product.
    """
    mol = parents[int(rng.integers(len(parents)))]
    for _ in range(rng.integers(1, settings.steps + 1)):
        rule = list(RULES)[int(rng.integers(len(RULES)))]
        reaction = _reaction(rule)
        reactants = (mol, parents[int(rng.integers(len(parents)))])[: reaction.GetNumReactantTemplates()]
        products = reaction.RunReactants(reactants, _PRODUCTS)
        if not products:
            continue
        mol = products[int(rng.integers(len(products)))][0]
        if Chem.SanitizeMol(mol, catchErrors=True):
            raise MoleculeError(f'no valid molecule by {rule!r}')
    return mol


def _accepted(mol: Chem.Mol, settings: EnumerationSettings) -> float:
    """Return the synthetic accessibility of a molecule that may be kept.

    :raises MoleculeError: when it may not, with the reason.
    """
    if not settings.min_heavy_atoms <= mol.GetNumHeavyAtoms() <= settings.max_heavy_atoms:
        raise MoleculeError('too small or too large')
    score = sa_score(mol)
    if score > settings.max_sa_score:
        raise MoleculeError('too hard to make')
    return score


@cache
def _reaction(rule: str) -> rdChemReactions.ChemicalReaction:
    return rdChemReactions.ReactionFromSmarts(RULES[rule])
