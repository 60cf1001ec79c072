"""IE, EA and reorganisation energies of thiophene by DFT: ``verdi run examples/07_fourpoint.py psi4``.

The argument is the engine and the label of its code: psi4, orca, gaussian or pyscf.
"""

import sys

from aiida.engine import run_get_node
from aiida.orm import load_code
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable

MoleculeSetData = DataFactory('osc.molecule_set')
FourPointWorkChain = WorkflowFactory('osc.fourpoint')

engine = sys.argv[1] if len(sys.argv) > 1 else 'psi4'
thiophene = standardise('c1ccsc1')
table = MoleculeTable([thiophene.smiles], [thiophene.inchikey], ['example'])
builder = FourPointWorkChain.get_builder_from_protocol(
    load_code(engine),
    MoleculeSetData(table),
    'balanced',
    {'max_concurrent': 2},
    engine=engine,
    xtb_code=load_code('tblite'),
)
builder.metadata.label = f'thiophene by {engine}'
outputs, node = run_get_node(builder)
print(f'{node.process_label}<{node.pk}> finished: {node.exit_message or "ok"}')
if 'labels' in outputs:
    labels = outputs['labels'].load()
    for column, values in labels.columns.items():
        print(f'{column}: {values[0]:.3f} {column.definition.unit}')
