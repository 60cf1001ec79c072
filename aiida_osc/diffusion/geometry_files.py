"""Write structures with their bonds and where they come from."""

from collections.abc import Sequence
from pathlib import Path

from rdkit import Chem

from aiida_osc.datasets.export import export_table
from aiida_osc.diffusion.geometries import Geometries
from aiida_osc.errors import OscError
from aiida_osc.qc.placing import set_positions, with_hydrogens

SUFFIXES = ('.sdf', '.xyz', '.h5', '.csv')


def check_suffix(path: str | Path) -> None:
    """Check that structures can be written to ``path`` before they are made.

    :raises OscError: when the suffix is unknown or the folder is not there.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise OscError(f'{Path(path).name} has no known suffix: use {", ".join(SUFFIXES)}')
    if not Path(path).resolve().parent.is_dir():
        raise OscError(f'{Path(path).parent} is no folder: make it, or write elsewhere')


def write_geometries(found: Geometries, smiles: Sequence[str], path: str | Path) -> None:
    """Write structures: ``.sdf`` with bonds, SMILES, InChIKey and origin, ``.xyz``, ``.csv`` or ``.h5`` without.

    :param smiles: of the structures, in their order.
    :raises OscError: when the suffix is unknown or the file cannot be written.
    """
    check_suffix(path)
    if Path(path).suffix.lower() != '.sdf':
        export_table(found.table, path)
        return
    try:
        Path(path).write_text(render_sdf(found, smiles))
    except OSError as exception:
        raise OscError(f'{path} cannot be written: {exception}') from None


def render_sdf(found: Geometries, smiles: Sequence[str]) -> str:
    """Return the text of an SD file; its records read back as the molecules of the SMILES."""
    records = []
    for item, text in zip(found.table.geometries, smiles, strict=True):
        mol = set_positions(with_hydrogens(text), item.positions)
        mol.SetProp('_Name', item.inchikey)
        fields = {'SMILES': text, 'InChIKey': item.inchikey, 'origin': found.origins[item.inchikey]}
        if item.inchikey in found.flagged:
            fields['flagged'] = found.flagged[item.inchikey]
        data = ''.join(f'> <{name}>\n{value}\n\n' for name, value in fields.items())
        records.append(f'{Chem.MolToMolBlock(mol)}{data}$$$$\n')
    return ''.join(records)
