"""Compute three molecules with GFN2-xTB on this computer: ``verdi run examples/02_label_molecules.py``.

Needs the code ``tblite`` that ``aiida-osc setup`` makes. ``run`` keeps the work in this process.
"""

from aiida.engine import run_get_node
from aiida.orm import Dict, Int, load_code
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable

MoleculeSetData = DataFactory('osc.molecule_set')
LabelWorkChain = WorkflowFactory('osc.label')

found = [standardise(smiles) for smiles in ('c1ccsc1', 'c1ccc2ccccc2c1', 'N#CC(C#N)=C1C=CC(=C(C#N)C#N)C=C1')]
table = MoleculeTable([m.smiles for m in found], [m.inchikey for m in found], ['example'] * len(found))

outputs, node = run_get_node(
    LabelWorkChain,
    molecules=MoleculeSetData(table),
    code=load_code('tblite'),
    parameters=Dict({}),
    options=Dict({'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2}}),
    chunk_size=Int(50),
    max_concurrent=Int(1),
    metadata={'label': 'three molecules'},
)
print(f'{node.process_label}<{node.pk}> ended with exit status {node.exit_status}')
labels = outputs['labels'].load()
for row, smiles in enumerate(labels.smiles):
    print(smiles)
    for column, values in labels.columns.items():
        print(f'    {column} = {values[row]:.3f} {column.definition.unit}')
