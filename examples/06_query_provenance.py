"""Ask the provenance graph for every label above a threshold: ``verdi run examples/06_query_provenance.py``.

Columns are queryable attributes, so the database finds the sets; only those are opened.
"""

from aiida.orm import CalcJobNode, QueryBuilder
from aiida.plugins import DataFactory

from aiida_osc.datasets.columns import Column
from aiida_osc.qc.levels import IPEA1

MoleculeSetData = DataFactory('osc.molecule_set')
column = Column('ea_adiabatic', IPEA1)

query = QueryBuilder()
is_job = {'process_type': 'aiida.calculations:osc.fourpoint_batch'}
query.append(CalcJobNode, filters=is_job, tag='job', project='uuid')
query.append(MoleculeSetData, with_incoming='job', edge_filters={'label': 'labels'}, project='*')
for job, labels in query.all():
    table = labels.load()
    for smiles, value in zip(table.smiles, table.values(column), strict=True):
        if value > 2.5:
            print(f'{value:6.2f} eV  {smiles}  (labels {labels.uuid}, job {job})')
