"""A campaign as plain records, with hostile text in every place that takes text."""

from datetime import UTC, datetime

import numpy as np
import pytest

from aiida_osc.active_learning.columns import SA_COLUMN
from aiida_osc.active_learning.history import build_history, records_of
from aiida_osc.active_learning.settings import SelectionSettings, default_column, promotion_rules
from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.report.records import (
    BATCH,
    COMPUTED,
    CONTROL,
    PREDICTED,
    CampaignRecord,
    Cost,
    ModelRecord,
    MoleculeRecord,
    NodeRef,
    Number,
)

EVIL = '<script>alert("x")</script>'
SMILES = ('c1ccc2ccccc2c1', 'c1ccc2cc3ccccc3cc2c1', 'N#Cc1ccc(C#N)cc1', 'c1ccsc1')
TARGETS = ('ie_adiabatic', 'ea_adiabatic', 'lambda_hole', 'lambda_electron')
RULES = {'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [0, 7.5]}}}


def ref(number, what='node'):
    return NodeRef(f'{number:08d}-0000-4000-8000-000000000000', number, what)


def labelled(smiles, offset=0.0):
    items = [standardise(item) for item in smiles]
    values = np.linspace(8, 6, len(items)) + offset
    columns = {default_column(name): values / (place + 1) for place, name in enumerate(TARGETS)}
    return MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], ['x'] * len(items), columns)


def molecule(table, row, role, hits=(), status='computed', reason=None):
    labels = {key: float(values[row]) for key, values in table.columns.items()}
    job, model = ref(30, 'job'), ref(11, 'surrogate')
    computed = [Number(key, value, None, COMPUTED, ref(31), job) for key, value in labels.items()]
    predicted = [Number(key, value + 0.1, 0.2, PREDICTED, ref(21), model) for key, value in labels.items()]
    exact = Number(SA_COLUMN, 1.5, None, COMPUTED, ref(23), ref(22))
    numbers = (*predicted, exact) if status != 'computed' else (*predicted, *computed, exact)
    nodes = {'generator': ref(12), 'surrogate': ref(11), 'select': ref(22), 'job': ref(30), 'labels': ref(31)}
    return MoleculeRecord(
        table.inchikeys[row],
        table.smiles[row],
        1,
        role,
        'p_type' if role == BATCH else None,
        0 if role == BATCH else None,
        status,
        reason,
        tuple(hits),
        numbers,
        nodes,
    )


@pytest.fixture(scope='session')
def record():
    """Return a campaign of one iteration: three molecules of the batch, one of the control."""
    table = labelled(SMILES)
    families = SelectionSettings().families()
    initial = labelled(('c1ccccc1', 'c1ccncc1', 'c1ccoc1'), offset=1.0)
    parts = {
        'labels_01': table.take([0, 1]),
        'control_labels_01': table.take([3]),
        'mean_01': table,
        'sigma_01': table,
        'batch_01': table.take([0, 1, 2]),
    }
    history = build_history(records_of(parts), families, promotion_rules(RULES), initial=initial)
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return CampaignRecord(
        node=ref(1, 'campaign'),
        label=f'demo {EVIL}',
        state='finished',
        message=f'message {EVIL}',
        created=moment,
        modified=moment,
        budget={'iterations': 1},
        seed=7,
        history=history,
        history_node=ref(40, 'history'),
        initial=initial,
        initial_node=ref(2),
        objectives=families,
        rules=RULES,
        rules_node=ref(3),
        molecules=(
            molecule(table, 0, BATCH),
            molecule(table, 1, BATCH, hits=('p_type',)),
            molecule(table, 2, BATCH, status='failed', reason=f'=cmd|{EVIL}'),
            molecule(table, 3, CONTROL, hits=('p_type',)),
        ),
        models=(ModelRecord(ref(11, 'surrogate'), 'surrogate', 0, {}, 5, 7, ref(2), 3),),
        nodes=(ref(1, 'campaign'), ref(30, f'@job {EVIL}')),
        versions={'tblite': f'0.8{EVIL}'},
        costs=(Cost(1, BATCH, 'cpu_seconds', 7200.0, ref(32)),),
    )
