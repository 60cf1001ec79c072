"""Children of molecules by cutting and joining their graphs, after Jensen 2019 (doi 10.1039/C8SC05372C)."""

import random

from rdkit import Chem, RDLogger

ELEMENTS = ('C', 'C', 'C', 'N', 'O', 'S', 'F', 'Cl')
ORDERS = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)
MUTATION_RATE = 0.5


def child(first: str, second: str, rng: random.Random) -> str | None:
    """Return a child of two molecules as canonical SMILES, None when it is no molecule."""
    RDLogger.DisableLog('rdApp.*')  # most children are no molecules
    mols = [Chem.MolFromSmiles(text) for text in (first, second)]
    mol = crossed(*mols, rng) if rng.random() < 0.8 else mols[0]
    if mol is not None and (mol is mols[0] or rng.random() < MUTATION_RATE):
        mol = mutated(mol, rng)
    return None if mol is None else Chem.MolToSmiles(mol)


def crossed(first: Chem.Mol, second: Chem.Mol, rng: random.Random) -> Chem.Mol | None:
    """Return one half of each molecule, joined where an acyclic single bond, or two bonds of a ring, were cut."""
    ring = rng.random() < 0.5
    one, other = _half(first, ring, rng), _half(second, ring, rng)
    if one is None or other is None:
        return None
    joined = Chem.RWMol(Chem.CombineMols(one, other))
    ends = [atom.GetIdx() for atom in joined.GetAtoms() if atom.GetAtomicNum() == 0]
    left, right = ([place for place in ends if (place >= one.GetNumAtoms()) == side] for side in (False, True))
    rng.shuffle(right)
    for a, b in zip(left, right, strict=True):
        near = [joined.GetAtomWithIdx(place).GetNeighbors()[0].GetIdx() for place in (a, b)]
        order = joined.GetBondBetweenAtoms(a, near[0]).GetBondType()
        if near[0] == near[1] or joined.GetBondBetweenAtoms(*near) is not None:
            return None
        joined.AddBond(*near, order)
    for place in sorted(left + right, reverse=True):
        joined.RemoveAtom(place)
    return _clean(joined)


def mutated(mol: Chem.Mol, rng: random.Random) -> Chem.Mol | None:
    """Return the molecule with one atom or bond changed, added or removed."""
    changed = Chem.RWMol(mol)
    Chem.Kekulize(changed, clearAromaticFlags=True)
    rng.choice((_replace, _append, _insert, _delete, _reorder, _close_ring, _open_ring))(changed, rng)
    return _clean(changed)


def _half(mol: Chem.Mol, ring: bool, rng: random.Random) -> Chem.Mol | None:
    mol = Chem.Mol(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    if ring:
        rings = mol.GetRingInfo().BondRings()
        if not rings:
            return None
        cuts = rng.sample(rng.choice(rings), 2)
    else:
        single = [bond.GetIdx() for bond in mol.GetBonds() if not bond.IsInRing() and bond.GetBondTypeAsDouble() == 1]
        if not single:
            return None
        cuts = [rng.choice(single)]
    orders = [mol.GetBondWithIdx(cut).GetBondType() for cut in cuts]
    parts = Chem.GetMolFrags(Chem.FragmentOnBonds(mol, cuts, bondTypes=orders), asMols=True, sanitizeFrags=False)
    whole = [part for part in parts if sum(atom.GetAtomicNum() == 0 for atom in part.GetAtoms()) == len(cuts)]
    return rng.choice(whole) if whole else None


def _atom(mol: Chem.RWMol, rng: random.Random) -> Chem.Atom:
    return mol.GetAtomWithIdx(rng.randrange(mol.GetNumAtoms()))


def _replace(mol: Chem.RWMol, rng: random.Random) -> None:
    _atom(mol, rng).SetAtomicNum(Chem.Atom(rng.choice(ELEMENTS)).GetAtomicNum())


def _append(mol: Chem.RWMol, rng: random.Random) -> None:
    place = _atom(mol, rng).GetIdx()
    mol.AddBond(place, mol.AddAtom(Chem.Atom(rng.choice(ELEMENTS))), rng.choice(ORDERS))


def _insert(mol: Chem.RWMol, rng: random.Random) -> None:
    bond = mol.GetBondWithIdx(rng.randrange(mol.GetNumBonds())) if mol.GetNumBonds() else None
    if bond is None:
        return
    ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    mol.RemoveBond(*ends)
    middle = mol.AddAtom(Chem.Atom(rng.choice(ELEMENTS)))
    for end in ends:
        mol.AddBond(end, middle, Chem.BondType.SINGLE)


def _delete(mol: Chem.RWMol, rng: random.Random) -> None:
    atom = _atom(mol, rng)
    near = [other.GetIdx() for other in atom.GetNeighbors()]
    if len(near) == 2 and mol.GetBondBetweenAtoms(*near) is None:
        mol.AddBond(*near, Chem.BondType.SINGLE)
    if len(near) <= 2:
        mol.RemoveAtom(atom.GetIdx())


def _reorder(mol: Chem.RWMol, rng: random.Random) -> None:
    if mol.GetNumBonds():
        mol.GetBondWithIdx(rng.randrange(mol.GetNumBonds())).SetBondType(rng.choice(ORDERS))


def _close_ring(mol: Chem.RWMol, rng: random.Random) -> None:
    distances = Chem.GetDistanceMatrix(mol)
    start = _atom(mol, rng).GetIdx()
    far = [place for place in range(mol.GetNumAtoms()) if distances[start, place] in (4, 5)]
    if far:
        mol.AddBond(start, rng.choice(far), Chem.BondType.SINGLE)


def _open_ring(mol: Chem.RWMol, rng: random.Random) -> None:
    closed = [bond for bond in mol.GetBonds() if bond.IsInRing() and bond.GetBondTypeAsDouble() == 1]
    if closed:
        bond = rng.choice(closed)
        mol.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())


def _clean(mol: Chem.RWMol) -> Chem.Mol | None:
    """Return the molecule with fresh hydrogens and aromaticity, None when valences do not fit."""
    try:
        Chem.SanitizeMol(mol)
        again = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    except (ValueError, RuntimeError):
        return None
    return again if again is not None and len(Chem.GetMolFrags(again)) == 1 else None
