"""``aiida-osc evaluate``, and the families of ``aiida-osc train surrogate``, as a user types them."""

import csv

import numpy as np
import pytest
from aiida.orm import QueryBuilder

from aiida_osc.calculations.functions.evaluate import evaluate
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.training.artifact import ModelArtifact

TRAIN = ('train', 'surrogate', '--data', 'data.h5', '--family', 'gp', '--out', 'model')
HOMO = 'homo@made up'


@pytest.fixture
def invoke(run_command, labelled_table):
    """Return a function that runs ``aiida-osc`` in a folder with labelled molecules."""
    labelled_table.write('data.h5')
    labelled_table.take(range(20)).write('part.h5')

    return run_command


def test_files_alone(invoke, no_profile, tmp_path):
    result = invoke(*TRAIN)
    assert 'kept: gp (calibrated CRPS' in result.stdout
    result = invoke('evaluate', 'data.h5', 'part.h5', '--model', 'model', '--out', 'page.html')
    assert f'part.h5, {HOMO}, all: MAE' in result.stdout
    page = (tmp_path / 'page.html').read_text()
    assert 'data.h5' in page
    assert page.count('<svg') == 12  # two columns, two sets, three plots


def test_predictions_carry_domain_and_conformal_intervals(invoke, no_profile):
    invoke(*TRAIN)
    invoke('predict', 'part.h5', '--model', 'model', '--out', 'out.csv', '--confidence', '0.9')
    with open('out.csv') as handle:
        rows = list(csv.DictReader(handle))
    assert max(float(row['similarity']) for row in rows) == 1
    assert all(float(row[f'{HOMO} epistemic']) <= float(row[f'{HOMO} sigma']) for row in rows)
    invoke('predict', 'part.h5', '--model', 'model', '--out', 'out.csv', '--no-similarity')
    with open('out.csv') as handle:
        assert next(csv.DictReader(handle))['similarity'] == ''


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('data.h5', '--model', './none', '--out', 'p.html'), 'none does not exist'),
        (('data.h5', '--model', 'model', '--out', 'nowhere/p.html'), 'nowhere is no folder'),
        (('bare.smi', '--model', 'model', '--out', 'p.html'), 'the molecules have no label'),
    ],
)
def test_mistakes_are_one_sentence(invoke, no_profile, tmp_path, arguments, message):
    invoke(*TRAIN)
    (tmp_path / 'bare.smi').write_text('CCO\n')
    assert message in invoke('evaluate', *arguments, code=1).stderr
    assert not (tmp_path / 'p.html').exists()


def test_nodes_keep_their_figures(invoke, aiida_profile, labelled_table):
    invoke(*TRAIN)
    model = ModelData(ModelArtifact.load('model'), label='processes').store()
    assert model.base.attributes.get('choice')['family'] == 'gp'
    molecules = MoleculeSetData(labelled_table).store()
    result = invoke('evaluate', molecules.pk, '--model', 'processes', '--out', 'page.html')
    assert f'metrics of {molecules.pk}: node' in result.stdout
    metrics = QueryBuilder().append(ModelData, filters={'uuid': model.uuid}, tag='model').count()
    assert metrics == 1
    stored = model.base.links.get_outgoing().one().node.outputs.metrics.get_dict()
    assert stored == evaluate(model, molecules)['metrics'].get_dict()
    prediction = model.load().predict(labelled_table.smiles)
    error = np.abs(prediction.mean[:, 1] - labelled_table.values(Column('homo', 'made up'))).mean()
    assert stored[HOMO]['all']['mae'] == pytest.approx(error)
