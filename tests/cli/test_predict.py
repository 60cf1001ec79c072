"""``aiida-osc train surrogate`` and ``aiida-osc predict`` as a user types them."""

import csv

import numpy as np
import pytest
from aiida.orm import QueryBuilder, load_node

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.training.artifact import ModelArtifact

TRAIN = ('train', 'surrogate', '--family', 'mpnn', '--epochs', '2', '--members', '2', '--no-amp')
HOMO = 'homo@PBE'


@pytest.fixture
def invoke(run_command, tmp_path, labelled_table):
    """Return a function that runs ``aiida-osc`` in a folder with labelled molecules."""
    values = labelled_table.values(Column('homo', 'made up'))
    rows = [f'{smiles},{value}' for smiles, value in zip(labelled_table.smiles, values, strict=True)]
    (tmp_path / 'data.csv').write_text('\n'.join(['smiles,HOMO_eV', *rows, 'nonsense,-6']) + '\n')
    (tmp_path / 'new.smi').write_text('c1ccc(F)cc1 fluorobenzene\nC[SiH3] methylsilane\n')

    return run_command


def test_files_alone(invoke, no_profile, tmp_path):
    result = invoke(*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'model')
    assert 'epoch 2: train_loss' in result.stderr
    assert 'nonsense' in result.stderr
    assert f'{HOMO}: MAE' in result.stdout
    assert (tmp_path / 'model' / 'weights.safetensors').is_file()
    invoke('predict', 'new.smi', '--model', 'model', '--out', 'out.csv', '--confidence', '0.5')
    with open('out.csv') as handle:
        rows = list(csv.DictReader(handle))
    assert [row['smiles'] for row in rows] == ['Fc1ccccc1', 'C[SiH3]']
    assert [row['in_domain'] for row in rows] == ['true', 'false']
    for row in rows:
        mean, sigma, low, high = (float(row[f'{HOMO}{end}']) for end in ('', ' sigma', ' low', ' high'))
        assert low < mean < high
        assert high - low == pytest.approx(2 * 0.67449 * sigma, rel=1e-4)  # quartiles of a normal distribution


def test_labels_in_the_asked_file_need_no_level(invoke, no_profile):
    invoke(*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'model')
    result = invoke('predict', 'data.csv', '--model', 'model', '--out', 'out.csv')
    assert 'written: out.csv, 60 molecules' in result.stdout


def test_bad_and_repeated_rows_stop_nothing(invoke, no_profile, tmp_path):
    invoke(*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'model')
    (tmp_path / 'odd.csv').write_text('smiles\nCO\nC1\nOC\nCO,CO\n[Na]\nCCO\n')
    result = invoke('predict', 'odd.csv', '--model', 'model', '--out', 'out.csv', '--progress')
    assert '2 molecules from 6 rows; rejected: 3; duplicates: 1' in result.stderr
    for reason in ('line 3: C1: invalid SMILES', 'line 5: CO: 2 cells', 'line 6: [Na]: element Na'):
        assert reason in result.stderr
    assert '6 of 6 molecules' in result.stderr
    with open('out.csv') as handle:
        standard = {row.pop('smiles'): row for row in csv.DictReader(handle)}
    assert list(standard) == ['CO', 'CCO']
    result = invoke('predict', 'odd.csv', '--model', 'model', '--out', 'out.csv', '--as-is')
    assert '4 molecules from 6 rows; rejected: 2; duplicates: 0' in result.stderr
    assert 'of 6' not in result.stderr  # no terminal
    with open('out.csv') as handle:
        rows = list(csv.DictReader(handle))
    assert [row['smiles'] for row in rows] == ['CO', 'OC', '[Na]', 'CCO']
    assert {row['inchikey'] for row in rows} == {''}
    assert [row['in_domain'] for row in rows][2] == 'false'
    for row in (rows[0], rows[1]):
        assert float(row[HOMO]) == pytest.approx(float(standard['CO'][HOMO]), rel=1e-5)
    assert not (tmp_path / 'out.csv.part').exists()


def test_files_with_values_that_a_model_starts_from(invoke, no_profile, labelled_table, tmp_path):
    dear = labelled_table.values(Column('homo', 'made up'))
    cheap = 2 * dear + 3 + np.random.default_rng(0).normal(scale=0.01, size=len(dear))
    rows = [','.join(map(str, row)) for row in zip(labelled_table.smiles, cheap, dear, strict=True)]
    (tmp_path / 'both.csv').write_text('\n'.join(['smiles,homo@cheap,homo@dear', *rows]) + '\n')
    columns = ('--column', 'homo@dear', '--input', 'homo@cheap')
    invoke(*TRAIN, '--data', 'both.csv', *columns, '--out', 'model')
    invoke('predict', 'both.csv', '--model', 'model', '--out', 'out.csv')
    with open('out.csv') as handle:
        found = [float(row['homo@dear']) for row in csv.DictReader(handle)]
    np.testing.assert_allclose(found, dear, atol=0.05)  # ten times what the noise of the line leaves
    message = invoke('predict', 'both.csv', '--model', 'model', '--out', 'out.csv', '--as-is', code=1).stderr
    assert 'leave out --as-is' in message


def test_a_file_without_molecules_leaves_the_last_result(invoke, no_profile, tmp_path):
    invoke(*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'model')
    (tmp_path / 'out.csv').write_text('kept')
    (tmp_path / 'bad.smi').write_text('C1 broken\n')
    (tmp_path / 'none.csv').write_text('smiles\n')
    for name, message in (('bad.smi', 'the first, line 1: invalid SMILES'), ('none.csv', 'none.csv holds no molecule')):
        assert message in invoke('predict', name, '--model', 'model', '--out', 'out.csv', code=1).stderr
    assert sorted(path.name for path in tmp_path.glob('out*')) == ['out.csv']
    assert (tmp_path / 'out.csv').read_text() == 'kept'


def test_an_interrupted_training_goes_on(invoke, no_profile, labelled_table, tmp_path, monkeypatch):
    command = (*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--seed', '4')
    monkeypatch.setattr('aiida_osc.surrogate.settings.PIECE_MOLECULES', 60)
    invoke(*command, '--out', 'whole')
    saved = ModelArtifact.save
    pieces = []

    def stop_after_first(self, folder):
        saved(self, folder)
        pieces.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelArtifact, 'save', stop_after_first)
    invoke(*command, '--out', 'pieces', code=1)
    assert not ModelArtifact.load('pieces').config['finished']
    monkeypatch.setattr(ModelArtifact, 'save', saved)
    result = invoke(*command, '--out', 'pieces')
    assert 'going on from epoch 1 of pieces' in result.stderr
    weights = [ModelArtifact.load(folder).to_bytes()['weights.safetensors'] for folder in ('pieces', 'whole')]
    assert weights[0] == weights[1]
    assert 'holds a finished model' in invoke(*command, '--out', 'pieces', code=1).stderr
    invoke(*command, '--out', 'third', '--start', 'pieces')
    assert ModelArtifact.load('third').config['training']['start'] == 'warm'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((*TRAIN, '--data', 'nowhere.csv', '--out', 'm'), 'nowhere.csv does not exist'),
        ((*TRAIN, '--data', 'data.csv', '--out', 'm'), 'does not say its level'),
        ((*TRAIN, '--data', 'new.smi', '--out', 'm'), 'no column has 20 labels'),
        ((*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'm', '--device', 'abacus'), 'give auto or cpu'),
        ((*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'm', '--column', 'lumo@PBE'), 'no labels in column'),
        (('predict', 'new.smi', '--model', 'data.csv', '--out', 'o.csv'), 'is no model folder'),
        (('predict', 'new.smi', '--model', './nowhere', '--out', 'o.csv'), 'nowhere does not exist'),
    ],
)
def test_mistakes_are_one_sentence(invoke, no_profile, arguments, message):
    assert message in invoke(*arguments, code=1).stderr


def test_damaged_model_is_one_sentence(invoke, no_profile, tmp_path):
    invoke(*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'model')
    (tmp_path / 'model' / 'weights.safetensors').write_bytes(b'x' * 100)
    result = invoke('predict', 'new.smi', '--model', 'model', '--out', 'out.csv', code=1)
    assert 'model: not a model of aiida-osc' in result.stderr
    assert not (tmp_path / 'out.csv').exists()
    assert 'say with --out' in invoke('predict', 'new.smi', '--model', 'model', code=1).stderr


def test_nodes_are_stored_with_provenance(invoke, aiida_profile, labelled_table, tmp_path):
    invoke(*TRAIN, '--data', 'data.csv', '--level', 'PBE', '--out', 'model')
    model = ModelData(ModelArtifact.load('model'), label='my surrogate').store()
    molecules = MoleculeSetData(labelled_table.take([4, 2])).store()
    invoke('predict', molecules.pk, '--model', 'my surrogate', '--out', 'out.csv')
    query = QueryBuilder().append(MoleculeSetData, filters={'uuid': molecules.uuid}, tag='in')
    process = load_node(model.base.links.get_outgoing().one().node.pk)
    assert process.process_label == 'predict'
    assert query.count() == 1
    mean = process.outputs.mean.load()
    assert mean.inchikeys == labelled_table.take([4, 2]).inchikeys
    with open('out.csv') as handle:
        np.testing.assert_allclose(
            [float(row[HOMO]) for row in csv.DictReader(handle)], mean.columns[Column.parse(HOMO)]
        )
