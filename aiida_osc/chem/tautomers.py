"""Molecules that differ in stereochemistry or in the place of hydrogens only."""

from collections.abc import Iterable, Sequence

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors, rdMolHash
from rdkit.Chem.MolStandardize import rdMolStandardize

from aiida_osc.chem.molecules import parse_smiles

#: Tautomers looked at per molecule; beyond it the molecule counts as a tautomer of itself alone.
MAX_TAUTOMERS = 200


def skeleton(inchikey: str) -> str:
    """Return the first block of an InChIKey, the same for all stereoisomers (and tautomers that InChI knows)."""
    return inchikey.partition('-')[0]


def frame(mol: Chem.Mol) -> str:
    """Return formula and elements with their neighbours, without bond orders: the same for all tautomers."""
    plain = Chem.Mol(mol)
    Chem.RemoveStereochemistry(plain)
    return f'{rdMolDescriptors.CalcMolFormula(plain)} {rdMolHash.MolHash(plain, rdMolHash.HashFunction.ElementGraph)}'


def tautomer_groups(smiles: Sequence[str], frames: Iterable[str | None]) -> list[list[int]]:
    """Return the rows of molecules that are tautomers of each other, two or more in each group.

    Only molecules that share a frame can be, so that the slow search runs on few.

    :param frames: of each SMILES, see :func:`frame`; None for what is no molecule.
    """
    candidates: dict[str, list[int]] = {}
    for row, name in enumerate(frames):
        if name is not None:
            candidates.setdefault(name, []).append(row)
    groups: dict[tuple[str, str], list[int]] = {}
    for name, rows in candidates.items():
        for row in rows if len(rows) > 1 else ():
            groups.setdefault((name, _canonical(smiles[row])), []).append(row)
    return sorted(rows for rows in groups.values() if len(rows) > 1)


def _canonical(smiles: str) -> str:
    """Return the canonical tautomer without stereochemistry, as SMILES."""
    mol = parse_smiles(smiles)
    Chem.RemoveStereochemistry(mol)
    enumerator = rdMolStandardize.TautomerEnumerator()
    enumerator.SetMaxTautomers(MAX_TAUTOMERS)
    tautomers = enumerator.Enumerate(mol)
    if tautomers.status != rdMolStandardize.TautomerEnumeratorStatus.Completed:
        return Chem.MolToSmiles(mol)
    return Chem.MolToSmiles(enumerator.PickCanonical(tautomers))
