"""Molecules as SVG."""

from functools import lru_cache
from typing import Any

from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from aiida_osc.chem.molecules import MoleculeError, parse_smiles

WIDTH, HEIGHT = 260, 150
BOND_LENGTH = 25.0


@lru_cache(maxsize=4096)
def molecule_svg(smiles: str) -> str | None:
    """Return the drawing as one SVG element that scales with its box; None for what is no molecule."""
    try:
        mol = parse_smiles(smiles)
    except MoleculeError:
        return None
    rdDepictor.SetPreferCoordGen(True)
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.fixedBondLength = BOND_LENGTH
    options.bondLineWidth = 1.5
    options.padding = 0.04
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()
    text = drawer.GetDrawingText()
    return text[text.index('<svg') :].strip()
