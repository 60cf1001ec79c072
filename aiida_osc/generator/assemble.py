"""From a junction tree back to the molecule: shared atoms are identified, one sanitisation at the end."""

from collections.abc import Sequence
from functools import cache

from rdkit import Chem, RDLogger

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.generator.graph import MolGraph
from aiida_osc.generator.junction import JunctionTree, canonical_graph, decompose_graph
from aiida_osc.generator.motifs import ANCHOR, BOND_TYPES, CHAIN, AtomKind
from aiida_osc.generator.stereo import write_stereo


def assemble(tree: JunctionTree) -> Chem.Mol:
    """Return the sanitised molecule of a tree; anchors that nothing hangs on become hydrogens.

    :raises MoleculeError: when the motifs do not make a valid molecule.
    """
    atoms, bonds, substituents = _join(tree)
    mol = Chem.RWMol()
    for kind, acyclic in zip(atoms, substituents, strict=True):
        mol.AddAtom(_make_atom(kind, acyclic))
    for (first, second), order in bonds.items():
        mol.AddBond(first, second, BOND_TYPES[order])  # flags of aromatic bonds included
    for number in reversed([i for i, kind in enumerate(atoms) if kind == ANCHOR]):
        mol.RemoveAtom(number)
    RDLogger.DisableLog('rdApp.*')  # type: ignore[attr-defined]
    try:
        Chem.SanitizeMol(mol)
        write_stereo(mol, tree.stereo)
    except (ValueError, RuntimeError) as exception:
        raise MoleculeError(f'the motifs do not make a valid molecule: {exception}') from None
    finally:
        RDLogger.EnableLog('rdApp.*')  # type: ignore[attr-defined]
    return mol.GetMol()


def decompose_exactly(smiles: str, chains: frozenset[str] | None = None) -> JunctionTree:
    """Return the junction tree of a molecule after checking that it gives the molecule back, stereo included.

    :raises MoleculeError: when it does not.
    """
    return decompose_checked(*canonical_graph(smiles), chains)


def decompose_checked(text: str, graph: MolGraph, chains: frozenset[str] | None = None) -> JunctionTree:
    """Return the checked junction tree of what :func:`~aiida_osc.generator.junction.canonical_graph` returned.

    :raises MoleculeError: when it does not give the molecule back.
    """
    tree = decompose_graph(graph, chains)
    if Chem.MolToSmiles(assemble(tree)) != text:
        raise MoleculeError('its motifs reassemble to another molecule')
    return tree


def _join(tree: JunctionTree) -> tuple[list[AtomKind], dict[tuple[int, int], int], list[int]]:
    """Return atoms, bonds by ``(smaller, larger)`` and the number of acyclic single bonds at each atom."""
    atoms: list[AtomKind] = []
    bonds: dict[tuple[int, int], int] = {}
    substituents: list[int] = []
    maps: list[Sequence[int]] = []
    for node in tree.nodes:
        shared = [maps[node.parent][i] for i in node.site]
        place = dict(zip(node.attachment, shared, strict=True))
        for index, kind in enumerate(node.motif.atoms):
            if index in place:
                if atoms[place[index]] == ANCHOR:
                    atoms[place[index]] = kind
            else:
                place[index] = len(atoms)
                atoms.append(kind)
                substituents.append(0)
        maps.append([place[index] for index in range(len(node.motif.atoms))])
        for first, second, order in node.motif.bonds:
            pair = (min(place[first], place[second]), max(place[first], place[second]))
            bonds[pair] = order
            if node.motif.kind == CHAIN:
                substituents[pair[0]] += 1
                substituents[pair[1]] += 1
    for first, second in bonds:
        substituents[first] -= atoms[second] == ANCHOR
        substituents[second] -= atoms[first] == ANCHOR
    return atoms, bonds, substituents


@cache
def _make_atom(kind: AtomKind, acyclic: int) -> Chem.Atom:
    """Return an atom to be copied."""
    atom = Chem.Atom(kind.number)
    atom.SetFormalCharge(kind.charge)
    atom.SetIsAromatic(kind.aromatic)
    if kind.hydrogens >= 0:
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(max(kind.hydrogens - acyclic, 0))
    return atom
