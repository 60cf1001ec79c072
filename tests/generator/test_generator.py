"""Training, reconstruction and sampling of the generator."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from aiida_osc.chem.molecules import MoleculeError, standardise
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.generator.fit import fit_jtvae_piece
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.junction import decompose
from aiida_osc.generator.loss import Losses, total_loss
from aiida_osc.generator.sample_settings import SampleSettings
from aiida_osc.generator.settings import JtvaeSettings
from aiida_osc.generator.vocabulary import build_vocabulary
from aiida_osc.training.artifact import ModelArtifact

TINY = {'hidden': 16, 'latent': 4, 'epochs': 4, 'hold_out_test': False}


def test_a_handful_of_molecules_is_learnt_by_heart(small_artifact, small_generator, small_table):
    assert small_generator.reconstruct(small_table.smiles) == 1.0
    assert small_artifact.config['metrics']['reconstruction_train'] == {'value': 1.0, 'n': len(small_table)}


def test_order_of_atoms_gives_the_same_latent_vector(small_generator, small_table):
    mols = [Chem.MolFromSmiles(text) for text in small_table.smiles]
    shuffled = [Chem.MolToRandomSmilesVect(mol, 1, randomSeed=7)[0] for mol in mols]
    assert torch.equal(small_generator.encode(shuffled), small_generator.encode(small_table.smiles))


def test_batches_do_not_change_the_latent_vector(small_generator, small_table):
    together = small_generator.encode(small_table.smiles)
    alone = torch.cat([small_generator.encode([text]) for text in small_table.smiles])
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_saved_generator_gives_the_same_samples(small_artifact, small_generator, tmp_path):
    small_artifact.save(tmp_path)
    again = Generator.from_artifact(ModelArtifact.load(tmp_path))
    settings = SampleSettings(count=15, temperature=1.2, noise=1.5)
    first, second = small_generator.sample(settings, seed=5), again.sample(settings, seed=5)
    assert first.molecules.smiles == second.molecules.smiles
    assert first.report == second.report
    assert small_generator.sample(settings, seed=6).molecules.smiles != first.molecules.smiles
    assert again.to_artifact().content_hash() == small_artifact.content_hash()


@pytest.mark.parametrize('strategy', ['prior', 'around', 'mixed'])
def test_samples_are_valid_new_and_within_limits(small_generator, small_table, strategy):
    settings = SampleSettings(
        count=20, strategy=strategy, temperature=1.5, noise=2.0, max_heavy_atoms=25, max_sa_score=5
    )
    result = small_generator.sample(settings, seed=0)
    table = result.molecules
    assert len(table) > 0
    assert [standardise(text).inchikey for text in table.smiles] == list(table.inchikeys)
    assert not {key[:14] for key in table.inchikeys} & {key[:14] for key in small_table.inchikeys}
    assert max(Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in table.smiles) <= 25
    assert table.values(Column('sa_score', 'Ertl-Schuffenhauer')).max() <= 5
    report = result.report
    assert report['returned'] + sum(report['rejected'].values()) == report['attempts']


def test_every_decoding_ends(small_generator):
    latent = 50 * torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
    trees = small_generator.decoder.decode(
        latent, temperature=50.0, max_nodes=12, generator=torch.Generator().manual_seed(1)
    )
    assert all(1 <= len(tree.motifs) <= 12 and not tree.open for tree in trees)
    assert max(len(tree.motifs) for tree in trees) == 12


def test_a_hopeless_request_ends_with_a_report(small_generator):
    result = small_generator.sample(SampleSettings(count=5, max_heavy_atoms=1, max_attempts=4), seed=0)
    assert len(result.molecules) == 0
    assert result.report['attempts'] == 20


def test_pieces_give_the_same_model_as_one_run(small_table):
    whole = fit_jtvae_piece(small_table, JtvaeSettings.from_dict(TINY), seed=1)
    settings = JtvaeSettings.from_dict({**TINY, 'piece_epochs': 2})
    first = fit_jtvae_piece(small_table, settings, seed=1)
    assert not first.config['finished']
    second = fit_jtvae_piece(small_table, settings, seed=1, checkpoint=ModelArtifact.from_bytes(*_content(first)))
    assert second.config['finished']
    assert all(torch.equal(whole.weights[name], second.weights[name]) for name in whole.weights)
    with pytest.raises(OscError, match='other data, settings or seed'):
        fit_jtvae_piece(small_table, settings, seed=2, checkpoint=first)


def test_a_warm_start_keeps_old_motifs_and_adds_new_ones(small_table, small_artifact, small_settings):
    more = [standardise(text) for text in ('c1cc[se]c1', 'c1cnccn1')]
    table = MoleculeTable(
        (*small_table.smiles, *(item.smiles for item in more)),
        (*small_table.inchikeys, *(item.inchikey for item in more)),
        (*small_table.source, 'new', 'new'),
    )
    settings = JtvaeSettings.from_dict({**small_settings.to_dict(), 'epochs': 1, 'learning_rate': 1e-6})
    warm = fit_jtvae_piece(table, settings, seed=0, checkpoint=small_artifact)
    assert warm.config['training']['start'] == 'warm'
    old, new = small_artifact.weights['motifs.weight'], warm.weights['motifs.weight']
    assert len(new) == len(old) + 2
    assert torch.allclose(new[: len(old)], old, atol=1e-4)
    assert Generator.from_artifact(warm).reconstruct(small_table.smiles) > 0.9


def test_a_warm_start_keeps_shape_and_the_heads_of_known_columns(small_table, small_settings):
    def fit(columns, start=None, **values):
        known = small_table.with_columns({Column(name, 'made up'): sizes * factor for name, factor in columns.items()})
        settings = JtvaeSettings.from_dict({**small_settings.to_dict(), 'epochs': 1, 'min_labels': 5, **values})
        return fit_jtvae_piece(known, settings, seed=0, checkpoint=start)

    sizes = np.array([float(Chem.MolFromSmiles(text).GetNumHeavyAtoms()) for text in small_table.smiles])
    first = fit({'gap': 1, 'polarizability': 10})
    warm = fit({'polarizability': 10, 'sa_score': 2}, first, hidden=24, latent=8, learning_rate=1e-7)
    assert {**warm.config['architecture'], 'dropout': 0} == {**first.config['architecture'], 'dropout': 0}
    heads = [model.weights['property_heads.2.weight'] for model in (first, warm)]
    places = [
        [name.partition('@')[0] for name in model.config['targets']].index('polarizability') for model in (first, warm)
    ]
    assert places == [1, 0]
    assert torch.allclose(heads[0][1], heads[1][0], atol=1e-5)


def test_property_heads_learn_and_windows_are_kept(small_table, small_settings):
    sizes = np.array([Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in small_table.smiles], dtype=float)
    column = Column('polarizability', 'made up')
    values = np.where(np.arange(len(sizes)) == 3, np.nan, 10 * sizes)
    settings = JtvaeSettings.from_dict({**small_settings.to_dict(), 'min_labels': 5})
    model = Generator.from_artifact(fit_jtvae_piece(small_table.with_columns({column: values}), settings, seed=0))
    assert model.columns == [column]
    predicted = model.predict(model.encode(small_table.smiles))[:, 0]
    assert np.nanmean(np.abs(predicted - values)) < 15
    wide = {'windows': {'polarizability': [80.0, 180.0]}, 'temperature': 2.0, 'noise': 2.0, 'max_attempts': 100}
    result = model.sample(SampleSettings(count=5, **wide), seed=0)
    assert len(result.molecules) > 0
    inside = model.predict(model.encode(result.molecules.smiles))[:, 0]
    assert ((inside >= 80) & (inside <= 180)).all()
    with pytest.raises(OscError, match='names 0 property heads'):
        model.sample(SampleSettings(windows={'gap': [1.0, 2.0]}), seed=0)


def test_molecules_without_motifs_are_left_out_and_counted(small_table):
    keys = ('AAAAAAAAAAAAAA-UHFFFAOYSA-N', 'BBBBBBBBBBBBBB-UHFFFAOYSA-N')
    table = MoleculeTable(
        (*small_table.smiles, 'N->B', 'C[CH2]'),
        (*small_table.inchikeys, *keys),
        ('test',) * (len(small_table) + 2),
    )
    config = fit_jtvae_piece(table, JtvaeSettings.from_dict({**TINY, 'epochs': 1}), seed=0).config
    assert sum(config['extra']['rejected'].values()) == 2
    assert config['training']['molecules'] == {'train': len(small_table), 'validation': 0}


def test_bad_input_ends_in_a_sentence(small_generator, small_artifact, small_table):
    for few in (MoleculeTable(), small_table.take([0])):
        with pytest.raises(OscError, match='two at least'):
            fit_jtvae_piece(few, JtvaeSettings(hold_out_test=False), seed=0)
    with pytest.raises(MoleculeError, match='not in the vocabulary'):
        small_generator.encode(['C1CCCCCC1'])
    with pytest.raises(OscError, match='none of the molecules to sample around'):
        small_generator.sample(SampleSettings(around=['C1CCCCCC1']), seed=0)
    with pytest.raises(OscError, match='strategy'):
        SampleSettings(strategy='elsewhere')
    with pytest.raises(OscError, match='latent'):
        JtvaeSettings(latent=7)
    damaged = ModelArtifact({**small_artifact.config, 'architecture': {'hidden': 3}}, small_artifact.weights)
    with pytest.raises(OscError, match='damaged configuration'):
        Generator.from_artifact(damaged)


def test_a_vocabulary_that_does_not_fit_the_weights_is_refused(small_artifact):
    other = build_vocabulary([decompose('c1ccsc1'), decompose('c1ccc2ccccc2c1')]).to_json()
    config = {**small_artifact.config, 'extra': {**small_artifact.config['extra'], 'vocabulary': other}}
    with pytest.raises(OscError, match='weights'):
        Generator.from_artifact(ModelArtifact(config, small_artifact.weights))


def test_divergence_below_the_free_bits_costs_nothing():
    parts = Losses(torch.tensor(2.0), torch.tensor([0.1, 0.4, 1.0]), torch.tensor(0.0))
    assert total_loss(parts, JtvaeSettings(free_bits=0.5), 0.1) == pytest.approx(2.0 + 0.1 * (0.5 + 0.5 + 1.0))
    assert total_loss(parts, JtvaeSettings(), 0.1) == pytest.approx(2.0 + 0.1 * 1.5)


def test_active_units_are_those_that_leave_the_prior(small_artifact):
    found = small_artifact.config['metrics']['active_units']
    assert 0 < found['value'] <= found['of'] == 16
    # Twelve molecules can only be told apart by ln 12 nats at least.
    assert found['divergence'] > np.log(12)


def test_stereo_marks_are_left_aside_and_counted(small_table):
    molecule = standardise('C(=C/c1ccccc1)\\c1ccccc1')
    table = MoleculeTable(
        (*small_table.smiles, molecule.smiles), (*small_table.inchikeys, molecule.inchikey), (*small_table.source, 'x')
    )
    config = fit_jtvae_piece(table, JtvaeSettings.from_dict({**TINY, 'epochs': 1}), seed=0).config
    assert config['extra']['stereo_left_aside'] == 1


def _content(artifact):
    files = artifact.to_bytes()
    return files['weights.safetensors'], files['config.json']
