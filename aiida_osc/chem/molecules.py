"""From text to the standardised neutral parent, or a reason why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rdkit import Chem, RDLogger
from rdkit.Chem.MolStandardize import rdMolStandardize

from aiida_osc.errors import OscError

MAX_SMILES_LENGTH = 1000
MAX_ATOMS = 300
#: Elements of organic semiconductors that the engines and models know.
ELEMENTS = frozenset({'H', 'B', 'C', 'N', 'O', 'F', 'Si', 'P', 'S', 'Cl', 'Se', 'Br', 'I', 'Ge', 'As', 'Te'})


class MoleculeError(OscError):
    """The text is no molecule that aiida-osc can treat; the message is the reason."""


@dataclass(frozen=True)
class Molecule:
    """A standardised molecule: canonical isomeric SMILES and InChIKey of the neutral parent."""

    smiles: str
    inchikey: str


def parse_smiles(smiles: str) -> Chem.Mol:
    """Return the sanitised RDKit molecule of one SMILES.

    :raises MoleculeError: for white space, control characters, too long or too large input, or invalid SMILES.
    """
    if not smiles:
        raise MoleculeError('empty SMILES')
    if len(smiles) > MAX_SMILES_LENGTH:
        raise MoleculeError(f'SMILES longer than {MAX_SMILES_LENGTH} characters')
    if ' ' in smiles or not (smiles.isascii() and smiles.isprintable()):
        raise MoleculeError('SMILES with white space or characters that are not printable ASCII')
    with _quiet():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        raise MoleculeError('invalid SMILES')
    return mol


def standardise(smiles: str) -> Molecule:
    """Return the standardised neutral parent of ``smiles``.

    Salts and mixtures are refused rather than split: which part was meant is for the user to say.

    :raises MoleculeError: with the reason why the molecule is refused.
    """
    return standardise_mol(parse_smiles(smiles))


def standardise_mol(mol: Chem.Mol) -> Molecule:
    """Return the standardised neutral parent of an RDKit molecule.

    :raises MoleculeError: with the reason why the molecule is refused.
    """
    if len(Chem.GetMolFrags(mol)) > 1:
        raise MoleculeError('more than one fragment: give the molecule alone, without salts or solvents')
    strange = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - ELEMENTS)
    if strange:
        raise MoleculeError(f'element {", ".join(strange)}: only {", ".join(sorted(ELEMENTS))} are treated')
    if any(atom.GetIsotope() for atom in mol.GetAtoms()):
        raise MoleculeError('isotope label: give the molecule without it')
    with _quiet():
        mol = rdMolStandardize.Uncharger().uncharge(Chem.RemoveHs(mol))
        smiles = Chem.MolToSmiles(mol)
        again = Chem.MolFromSmiles(smiles)
        inchikey = Chem.MolToInchiKey(again) if again is not None else ''
    if again is None or not inchikey:
        raise MoleculeError('cannot be written as canonical SMILES and InChIKey')
    if Chem.GetFormalCharge(again):
        raise MoleculeError('charged and cannot be neutralised')
    if sum(atom.GetNumRadicalElectrons() for atom in again.GetAtoms()):
        raise MoleculeError('radical: only closed-shell molecules are treated')
    atoms = again.GetNumAtoms() + sum(atom.GetTotalNumHs() for atom in again.GetAtoms())
    if atoms > MAX_ATOMS:
        raise MoleculeError(f'{atoms} atoms, more than the limit of {MAX_ATOMS}')
    return Molecule(Chem.MolToSmiles(again), inchikey)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence RDKit's log for one block, as every failure becomes a :class:`MoleculeError`."""
    RDLogger.DisableLog('rdApp.*')  # type: ignore[attr-defined]
    try:
        yield
    finally:
        RDLogger.EnableLog('rdApp.*')  # type: ignore[attr-defined]
