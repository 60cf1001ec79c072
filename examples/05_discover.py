"""Submit a discovery campaign to the daemon: ``verdi run examples/05_discover.py``.

The same as ``aiida-osc discover`` with a campaign file. Follow it with ``verdi process list`` or ``aiida-osc status``.
"""

from aiida.engine import submit
from aiida.orm import load_code
from aiida.plugins import DataFactory, WorkflowFactory

from aiida_osc.datasets.seed_set import load_seed

MoleculeSetData = DataFactory('osc.molecule_set')
DiscoveryWorkChain = WorkflowFactory('osc.discovery')

builder = DiscoveryWorkChain.get_builder_from_protocol(
    code=load_code('tblite'),
    molecules=MoleculeSetData(load_seed()),
    protocol='fast',
    overrides={'budget': {'iterations': 1, 'molecules': 6}, 'selection': {'size': 6}},
    seed=1,
    options={'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2}},
)
builder.metadata.label = 'example campaign'
node = submit(builder)
print(f'submitted {node.process_label}<{node.pk}>; follow it with: aiida-osc status {node.pk}')
