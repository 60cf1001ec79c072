"""Train a surrogate on the shipped seed set and predict a molecule: ``verdi run examples/03_train_surrogate.py``."""

from aiida.engine import run_get_node
from aiida.orm import Dict, Int
from aiida.plugins import CalculationFactory, DataFactory, WorkflowFactory

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed

MoleculeSetData = DataFactory('osc.molecule_set')
TrainSurrogateWorkChain = WorkflowFactory('osc.train_surrogate')

outputs, node = run_get_node(
    TrainSurrogateWorkChain,
    molecules=MoleculeSetData(load_seed()),
    settings=Dict({'epochs': 20, 'piece_epochs': 10, 'members': 2}),
    seed=Int(0),
    metadata={'label': 'surrogate of the seed set'},
)
print(f'{node.process_label}<{node.pk}> trained {outputs["model"]}')

pentacene = standardise('c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1')
table = MoleculeTable([pentacene.smiles], [pentacene.inchikey], ['example'])
predicted = CalculationFactory('osc.predict')(model=outputs['model'], molecules=MoleculeSetData(table))
mean, sigma = predicted['mean'].load(), predicted['sigma'].load()
for column in sigma.columns:
    print(f'{column}: {mean.values(column)[0]:.2f} +- {sigma.values(column)[0]:.2f} {column.definition.unit}')
