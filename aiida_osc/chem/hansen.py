"""Hansen parameters from increments, and their distance from those of a partner: a surrogate for miscibility.

The increments are those of Mathieu (doi 10.1021/acsomega.8b02601), chosen before Hoftyzer and van Krevelen's because
these have none for nitrogen in aromatic rings and only that of dispersion for sulphur. The polar term has no increment
for aromatic heteroatoms either; a dipole moment stands in for it (Hansen and Beerbower, as given in Hansen Solubility
Parameters, CRC Press 2007).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from rdkit import Chem

from aiida_osc.chem import hansen_increments as increments

METHOD = 'Mathieu'
#: Polar parameter = this times dipole in Debye over root of molar volume in cm^3/mol.
BEERBOWER = 37.4
#: Share of atoms in three rings above which the volume of a cage such as a fullerene would be far too small.
CAGED = 0.7
_HALOGENS = ('F', 'Cl', 'Br', 'I')
_BOND_SIGNS = {
    Chem.BondType.AROMATIC: '~',
    Chem.BondType.DOUBLE: '=',
    Chem.BondType.TRIPLE: '#',
}


@dataclass(frozen=True)
class Hansen:
    """Hansen parameters in MPa^0.5; NaN where a group has no increment.

    :param uncovered: the groups without increment.
    """

    dispersion: float
    polar: float
    hydrogen: float
    uncovered: tuple[str, ...] = ()

    def distance(self, other: 'Hansen') -> float:
        """Return the distance in Hansen space in MPa^0.5, dispersion weighted fourfold."""
        squares = 4 * (self.dispersion - other.dispersion) ** 2
        return float(np.sqrt(squares + (self.polar - other.polar) ** 2 + (self.hydrogen - other.hydrogen) ** 2))


def hansen(mol: Chem.Mol, dipole: float | None = None) -> Hansen:
    """Return the Hansen parameters of a molecule.

    :param mol: without explicit hydrogens.
    :param dipole: in Debye; the polar parameter follows from it when it is given, else from increments.
    """
    uncovered = _uncovered_atoms(mol)
    if uncovered:
        return Hansen(np.nan, np.nan, np.nan, uncovered)
    volume, refractivity = _volume(mol)
    a, b, c = increments.DISPERSION
    dispersion = np.sqrt(a + (b + c / volume) * (refractivity / volume) ** 2)
    hydrogen = _parameter(sum(increments.HYDROGEN[name] * n for name, n in hydrogen_groups(mol).items()), volume)
    if dipole is not None:
        return Hansen(float(dispersion), float(BEERBOWER * dipole / np.sqrt(volume)), hydrogen)
    groups = polar_groups(mol)
    uncovered = tuple(sorted(set(groups) - set(increments.POLAR)))
    energy = np.nan if uncovered else sum(increments.POLAR[name] * n for name, n in groups.items())
    return Hansen(float(dispersion), _parameter(energy, volume), hydrogen, uncovered)


def polar_groups(mol: Chem.Mol) -> Counter[str]:
    """Return the groups that make a molecule polar, with or without increment."""
    groups: Counter[str] = Counter()
    taken = set()
    for name, (_, place) in increments.POLAR_PATTERNS.items():
        for match in mol.GetSubstructMatches(_pattern(name)):
            groups[name] += 1
            taken.add(match[place])
    for bond in map(mol.GetBondWithIdx, range(mol.GetNumBonds())):
        sign = _BOND_SIGNS.get(bond.GetBondType())
        first, last = bond.GetBeginAtom(), bond.GetEndAtom()
        numbers = {first.GetIdx(), last.GetIdx()}
        if sign and first.GetAtomicNum() != last.GetAtomicNum() and not numbers & taken:
            groups[sign.join(sorted((first.GetSymbol(), last.GetSymbol())))] += 1
            taken |= numbers
    for atom in _atoms(mol):
        if atom.GetSymbol() != 'C' and not (atom.GetSymbol() == 'P' and atom.GetTotalDegree() > 3):
            groups[f'{atom.GetSymbol()}({atom.GetTotalNumHs()})'] += 1
    return groups


def hydrogen_groups(mol: Chem.Mol) -> Counter[str]:
    """Return the atoms and hydrogens that make hydrogen bonds."""
    amides = {match[0] for match in mol.GetSubstructMatches(_pattern('amide'))}
    acids = {match[2] for match in mol.GetSubstructMatches(_pattern('acid'))}
    nitro = {match[1] for match in mol.GetSubstructMatches(_pattern('nitro'))}
    groups: Counter[str] = Counter()
    for atom in _atoms(mol):
        symbol, index, hydrogens = atom.GetSymbol(), atom.GetIdx(), atom.GetTotalNumHs()
        if symbol in ('N', 'O') and index not in nitro:
            groups[symbol] += 1
        if symbol in _HALOGENS:
            groups['halogen'] += 1
        if symbol == 'C':
            groups['HC'] += hydrogens
        elif symbol == 'N':
            groups['HN amide' if index in amides else 'H2N' if hydrogens == 2 else 'HN'] += hydrogens
        elif symbol == 'O':
            groups['HO acid' if index in acids else 'HO'] += hydrogens
    return groups


def _uncovered_atoms(mol: Chem.Mol) -> tuple[str, ...]:
    codes = sorted({_code(atom) for atom in _atoms(mol)} - set(increments.ATOMS))
    rings = mol.GetRingInfo()
    inside = sum(rings.NumAtomRings(atom) > 2 for atom in range(mol.GetNumAtoms()))
    return (*codes, 'cage') if inside > CAGED * mol.GetNumAtoms() else tuple(codes)


def _volume(mol: Chem.Mol) -> tuple[float, float]:
    """Return molar volume and molar refractivity in cm^3/mol."""
    pairs = [increments.ATOMS[_code(atom)] for atom in _atoms(mol)]
    volume = sum(pair[0] for pair in pairs)
    for ring in mol.GetRingInfo().AtomRings():
        other = increments.SMALL_RING if len(ring) < 5 else increments.LARGE_RING
        volume += increments.RINGS.get(len(ring), other)
        if all(mol.GetAtomWithIdx(atom).GetIsAromatic() for atom in ring):
            volume += increments.AROMATIC_RING
    return volume, sum(pair[1] for pair in pairs)


def _atoms(mol: Chem.Mol) -> Iterator[Chem.Atom]:
    return map(mol.GetAtomWithIdx, range(mol.GetNumAtoms()))  # faster than RDKit's own sequence


def _code(atom: Chem.Atom) -> str:
    aromatic = 'a' if atom.GetIsAromatic() else ''
    return f'{atom.GetSymbol()}{atom.GetTotalDegree()}{atom.GetTotalNumHs()}{aromatic}'


def _parameter(energy: float, volume: float) -> float:
    """Return the root of an energy in J/mol over a volume in cm^3/mol, in MPa^0.5; 0 for what repels."""
    return float(np.sqrt(np.maximum(energy / volume, 0.0)))


@cache
def _pattern(name: str) -> Chem.Mol:
    return Chem.MolFromSmarts(increments.POLAR_PATTERNS[name][0])
