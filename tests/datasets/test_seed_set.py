"""The seed list is data: what it promises is checked here."""

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets import seed_set
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.export import molecules_csv
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.seed import load_seed, seed_entries, seed_roles
from aiida_osc.datasets.sources.fetch import source_file
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import GFN2, SA_SCORE

SCORE = Column('sa_score', SA_SCORE)


@pytest.fixture(scope='module')
def entries():
    return seed_entries()


@pytest.fixture(scope='module')
def table():
    return load_seed(labelled=False)


def test_size_and_roles(entries):
    roles = Counter(entry.role for entry in entries)
    assert len(entries) >= 300
    assert set(roles) == set(seed_set.ROLES)
    assert roles['p-type'] >= 60
    assert roles['n-type'] >= 60


@pytest.mark.parametrize(
    'family',
    [
        'acenes', 'thienoacenes', 'oligothiophenes', 'carbazoles', 'triarylamines', 'tetrathiafulvalenes',
        'rylene diimides', 'benzothiadiazoles', 'diketopyrrolopyrroles', 'isoindigos', 'quinones',
        'tetracyanoquinodimethanes', 'cyanated and fluorinated acenes', 'BODIPY', 'A-D-A acceptors',
    ],
)  # fmt: skip
def test_every_family_is_there(entries, family):
    assert sum(entry.family == family for entry in entries) >= 8


def test_smiles_are_standardised_and_molecules_unique(entries):
    molecules = [standardise(entry.smiles) for entry in entries]
    assert [molecule.smiles for molecule in molecules] == [entry.smiles for entry in entries]
    assert len({molecule.inchikey for molecule in molecules}) == len(entries)
    assert len({entry.name for entry in entries}) == len(entries)


def test_sizes_suit_the_engine(entries):
    sizes = [Chem.MolFromSmiles(entry.smiles).GetNumAtoms() for entry in entries]
    assert min(sizes) >= 8
    assert max(sizes) <= 46
    assert np.mean(sizes) < 24


@pytest.mark.parametrize(
    ('name', 'inchikey'),
    [
        # PubChem
        ('pentacene', 'SLIUAWYAILUBJU-UHFFFAOYSA-N'),
        ('rubrene', 'YYMBJDOZVAITBP-UHFFFAOYSA-N'),
        ('coronene', 'VPUGDVKSAQVFFS-UHFFFAOYSA-N'),
        ('TTF', 'FHCPAXDKURNIOZ-UHFFFAOYSA-N'),
        ('TCNQ', 'PCCVSPMFGIFTHU-UHFFFAOYSA-N'),
        ('F4-TCNQ', 'IXHWGNYCZPISET-UHFFFAOYSA-N'),
        ('PTCDA', 'CLYVDMAATCIVBF-UHFFFAOYSA-N'),
        ('TPD', 'OGGKVJMNFFSDEV-UHFFFAOYSA-N'),
        ('NPB', 'IBHBKWKFFTZAHE-UHFFFAOYSA-N'),
        ('chloranil', 'UGNWTBMOAKPKBL-UHFFFAOYSA-N'),
        ('DDQ', 'HZNVUJQVZSTENZ-UHFFFAOYSA-N'),
        ('HATCN', 'DKHNGUNXLDCATP-UHFFFAOYSA-N'),
    ],
)
def test_names_belong_to_their_molecules(entries, name, inchikey):
    (entry,) = (entry for entry in entries if entry.name == name)
    assert standardise(entry.smiles).inchikey == inchikey


def test_unlabelled_table(table, entries):
    assert list(table.columns) == [SCORE]
    assert len(table) == len(entries)
    assert np.isfinite(table.values(SCORE)).all()
    assert set(table.source) == {'seed'}
    assert set(seed_roles()) == set(table.inchikeys)


def test_labels_are_added_where_there_are_any(table, tmp_path, monkeypatch):
    column = Column('homo', GFN2)
    labelled = table.take([3, 1]).with_columns({column: np.array([-9.5, np.nan])})
    (tmp_path / 'seed_labels.csv').write_text(molecules_csv(labelled))
    monkeypatch.setattr(seed_set, 'files', lambda package: tmp_path)
    columns = seed_set._labels(table.index())
    assert columns[column][3] == -9.5
    assert np.isnan(np.delete(columns[column], 3)).all()
    with pytest.raises(OscError, match=r'which is not in seed.csv'):
        seed_set._labels({})


def test_the_source_reads_back_as_the_seed_set(table):
    with source_file('seed') as (path, settings):
        result = read_table(path, **settings)
    assert result.table.inchikeys == table.inchikeys
    assert set(result.table.source) == {'seed'}
    assert not result.report.rejected
    assert not result.report.duplicates
