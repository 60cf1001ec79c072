"""Import a few molecules from a CSV file: ``verdi run examples/01_import_molecules.py``.

The column ``HOMO_hartree`` names its target and unit; it is converted to eV and keyed by its level of theory.
"""

import io

from aiida.orm import Dict, SinglefileData
from aiida.plugins import CalculationFactory

CSV = """SMILES,HOMO_hartree
c1ccsc1,-0.2350
c1ccc2ccccc2c1,-0.2105
not-a-molecule,-0.2
"""

import_molecules = CalculationFactory('osc.import_molecules')
file = SinglefileData(io.BytesIO(CSV.encode()), filename='example.csv')
outputs = import_molecules(file=file, settings=Dict({'level': 'B3LYP/6-31G*'}))

molecules = outputs['molecules']
print(f'stored {molecules.count} molecules as {molecules}')
print('columns:', ', '.join(molecules.base.attributes.get('columns')))
for row in outputs['report']['rejected']:
    print(f'rejected line {row["line"]}: {row["reason"]}')
