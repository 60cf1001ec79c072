"""Ring systems that no molecule takes at room temperature, found by rules on the graph alone.

The rules are those of textbooks: ring strain (Wiberg 1986, doi 10.1002/anie.198603121) and double bonds at bridgeheads
(Bredt's rule; Köbrich 1973, doi 10.1002/anie.197304641). They are cheap, and miss what only a geometry can tell.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import combinations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

#: Largest rings that are strained by what they hold.
TRIPLE_BOND, CUMULATED, BRIDGEHEAD, BRIDGED_AROMATIC = 9, 8, 7, 10

SMALL = 4


def strain(mol: Chem.Mol) -> str | None:
    """Return why ``mol`` is too strained to be made, None when no rule says so."""
    return next(_reasons(mol), None)


def _reasons(mol: Chem.Mol) -> Iterator[str]:
    """Yield the rules that the molecule breaks."""
    rings = [frozenset(ring) for ring in mol.GetRingInfo().AtomRings()]
    small = [ring for ring in rings if len(ring) <= SMALL]
    if any(_inside(mol, '[#6]#[*]', ring) for ring in rings if len(ring) <= TRIPLE_BOND):
        yield 'triple bond in a small ring'
    if any(_inside(mol, '[#6]=[#6]=[#6]', ring) for ring in rings if len(ring) <= CUMULATED):
        yield 'cumulated double bonds in a small ring'
    if any(_inside(mol, '[*]=,:[*]', ring) for ring in rings if len(ring) == 3):
        yield 'double bond in a ring of three'
    if any(len(a & b) > 1 for a, b in combinations(small, 2)):
        yield 'two small rings that share a bond'
    if any(_aromatic(mol, ring) == 3 for ring in small):
        yield 'small ring across the edge of two aromatic rings'
    if _anti_bredt(mol, rings):
        yield 'double bond at a bridgehead'
    if _bridged_aromatic(mol, rings):
        yield 'short bridge over an aromatic ring'


def _inside(mol: Chem.Mol, smarts: str, ring: frozenset[int]) -> bool:
    return any(ring.issuperset(match) for match in mol.GetSubstructMatches(_pattern(smarts)))


def _anti_bredt(mol: Chem.Mol, rings: list[frozenset[int]]) -> bool:
    """Return whether a bridgehead of rings of at most :data:`BRIDGEHEAD` atoms has a double bond in them."""
    heads: list[int] = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(mol, heads)  # type: ignore[arg-type]
    for head in heads:
        atom = mol.GetAtomWithIdx(head)
        around = [ring for ring in rings if head in ring]
        if atom.GetIsAromatic() or any(len(ring) > BRIDGEHEAD for ring in around):
            continue
        double = [bond for bond in atom.GetBonds() if bond.GetBondType() == Chem.BondType.DOUBLE]
        if any(bond.GetOtherAtomIdx(head) in ring for bond in double for ring in around):
            return True
    return False


def _bridged_aromatic(mol: Chem.Mol, rings: list[frozenset[int]]) -> bool:
    """Return whether a ring of at most :data:`BRIDGED_AROMATIC` atoms shares more than a bond with an aromatic ring."""
    for one, other in combinations(rings, 2):
        shared, sizes = one & other, sorted((len(one), len(other)))
        if len(shared) > 2 and sizes[0] <= 6 and sizes[1] <= BRIDGED_AROMATIC and _aromatic(mol, shared) == len(shared):
            return True
    return False


def _aromatic(mol: Chem.Mol, atoms: Iterable[int]) -> int:
    return sum(mol.GetAtomWithIdx(atom).GetIsAromatic() for atom in atoms)


@cache
def _pattern(smarts: str) -> Chem.Mol:
    return Chem.MolFromSmarts(smarts)
