"""Partners whose Hansen parameters molecules are compared with: measured ones, a SMILES, or numbers of the user."""

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from aiida_osc.chem.hansen import Hansen, hansen
from aiida_osc.chem.molecules import MoleculeError, parse_smiles
from aiida_osc.errors import OscError

#: Measured parameters in MPa^0.5: dispersion, polar, hydrogen.
MEASURED = {
    # Hansen, Hansen Solubility Parameters, CRC Press 2007, table A.1.
    'chlorobenzene': (19.0, 4.3, 2.0),
    'o-dichlorobenzene': (19.2, 6.3, 3.3),
    'chloroform': (17.8, 3.1, 5.7),
    'toluene': (18.0, 1.4, 2.0),
    'tetrahydrofuran': (16.8, 5.7, 8.0),
    # An n-type semiconductor of indenofluorene and thiophenes, doi 10.1039/D4TC00324A.
    'C12-TIFDMT': (20.8, 5.8, 5.5),
}
#: Longer SMILES are written as InChIKey in the name of a column.
MAX_NAME = 80


@dataclass(frozen=True)
class Partner:
    """What molecules are compared with; ``name`` stands in the level of the column."""

    name: str
    parameters: Hansen

    @classmethod
    def parse(cls, text: str) -> 'Partner':
        """Return the partner written as a name of :data:`MEASURED`, as ``NAME=D,P,H`` in MPa^0.5, or as SMILES.

        :raises OscError: when it is none of them, or a group of the SMILES has no increment.
        """
        if text in MEASURED:
            return cls(text, Hansen(*MEASURED[text]))
        name, separator, numbers = text.partition('=')
        if separator and numbers.count(',') == 2:
            return cls(_checked_name(name), _given(text, numbers))
        try:
            mol = parse_smiles(text)
        except MoleculeError:
            raise OscError(
                f'partner {text!r} is unknown: use one of {", ".join(MEASURED)}, a SMILES, or NAME=D,P,H with its '
                'Hansen parameters in MPa^0.5, such as PS=18.5,4.5,2.9'
            ) from None
        parameters = hansen(mol)
        if parameters.uncovered:
            groups = ', '.join(parameters.uncovered)
            raise OscError(f'partner {text}: no increment for {groups}; give its parameters as NAME=D,P,H')
        smiles = Chem.MolToSmiles(mol, isomericSmiles=False)  # an @ would end the level of a column
        return cls(smiles if len(smiles) <= MAX_NAME else Chem.MolToInchiKey(mol), parameters)


def _checked_name(name: str) -> str:
    if not name.strip() or '@' in name or not name.isprintable() or len(name) > MAX_NAME:
        raise OscError(f'{name!r} is no name of a partner: give up to {MAX_NAME} printable characters without "@"')
    return name.strip()


def _given(text: str, numbers: str) -> Hansen:
    try:
        dispersion, polar, hydrogen = (float(number) for number in numbers.split(','))
    except ValueError:
        dispersion = polar = hydrogen = np.nan
    if not all(0 <= value < 100 for value in (dispersion, polar, hydrogen)):
        raise OscError(f'partner {text!r}: give three numbers from 0 to 100, NAME=D,P,H in MPa^0.5')
    return Hansen(dispersion, polar, hydrogen)
