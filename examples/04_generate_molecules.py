"""Train a small JT-VAE on the seed set and sample new molecules: ``verdi run examples/04_generate_molecules.py``."""

from aiida.engine import run_get_node
from aiida.orm import Dict, Int
from aiida.plugins import CalculationFactory, DataFactory, WorkflowFactory

from aiida_osc.datasets.seed_set import load_seed

MoleculeSetData = DataFactory('osc.molecule_set')
TrainJtvaeWorkChain = WorkflowFactory('osc.train_jtvae')

molecules = MoleculeSetData(load_seed()).store()
outputs, node = run_get_node(
    TrainJtvaeWorkChain,
    molecules=molecules,
    settings=Dict({'epochs': 10, 'piece_epochs': 5}),
    seed=Int(0),
    metadata={'label': 'generator of the seed set'},
)
print(f'{node.process_label}<{node.pk}> trained {outputs["model"]}')

sampled = CalculationFactory('osc.sample_molecules')(
    model=outputs['model'], settings=Dict({'count': 10}), seed=Int(1), known=molecules
)
for smiles in sampled['molecules'].load().smiles:
    print(smiles)
print(sampled['report'].get_dict())
