"""select_batch, promote and record_history on stored nodes."""

import numpy as np
import pytest
from aiida.orm import Dict, Int

from aiida_osc.active_learning.settings import default_column
from aiida_osc.chem.molecules import standardise
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable

ACENES = ('c1ccccc1', 'c1ccc2ccccc2c1', 'c1ccc2cc3ccccc3cc2c1', 'c1ccc2cc3cc4ccccc4cc3cc2c1', 'c1ccsc1', 'c1ccncc1')
TARGETS = ('ie_adiabatic', 'ea_adiabatic', 'lambda_hole', 'lambda_electron')
OBJECTIVES = {
    'p_type': [{'target': 'ie_adiabatic', 'direction': 'min'}],
    'n_type': [{'target': 'ea_adiabatic', 'direction': 'max'}],
}
PROMOTION = {'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [0, 7.2]}}}


def make_table(scale=1.0, source='jtvae'):
    molecules = [standardise(item) for item in ACENES]
    columns = {
        default_column(name): scale * np.linspace(9, 6, len(molecules)) / (i + 1) for i, name in enumerate(TARGETS)
    }
    return MoleculeTable(
        [m.smiles for m in molecules], [m.inchikey for m in molecules], [source] * len(molecules), columns
    )


@pytest.mark.usefixtures('aiida_profile')
def test_one_iteration():
    from aiida_osc.calculations.functions.promote import promote
    from aiida_osc.calculations.functions.record_history import record_history
    from aiida_osc.calculations.functions.select_batch import select_batch

    table = make_table()
    mean, sigma = MoleculeSetData(table), MoleculeSetData(make_table(0.05))
    known = MoleculeSetData(table.take([5]))
    settings = Dict({'size': 2, 'control': True, 'tanimoto_cap': 1.0, 'beta': 0.0, 'objectives': OBJECTIVES})
    outputs, node = select_batch.run_get_node(mean, sigma, settings, Int(1), known=known)
    assert node.is_finished_ok
    assert sorted(outputs) == ['batch', 'control', 'ranking']
    assert outputs['batch'].count == outputs['control'].count == 2
    chosen = [item['inchikey'] for item in outputs['ranking']['molecules']]
    assert chosen == list(outputs['batch'].load().inchikeys)
    assert chosen == [table.inchikeys[0], table.inchikeys[4]]  # highest EA, and lowest IE but for the known row 5

    labels = MoleculeSetData(table.take([table.index()[key] for key in chosen]))
    promoted = promote(labels, Dict(PROMOTION))
    assert promoted['promoted'].load().inchikeys == (table.inchikeys[4],)
    assert promoted['report']['families']['p_type']['promoted'] == 1

    history = record_history(
        Dict(PROMOTION),
        selection=settings,
        labels_00=known,
        labels_01=labels,
        mean_01=mean,
        sigma_01=sigma,
        batch_01=outputs['batch'],
        failures_01=Dict({'molecules': {}, 'totals': {}}),
    )['history'].get_dict()
    (entry,) = history['iterations']
    assert (entry['candidates'], entry['selected'], entry['computed'], entry['hits']) == (6, 2, 2, 1)
    assert entry['errors']['ie_adiabatic@IPEA1-xTB[shift=4.8455]//GFN2-xTB']['mae'] == 0
    assert history['initial']['molecules'] == 1
    assert record_history(Dict(PROMOTION), labels_01=labels)['history']['totals']['computed'] == 2
