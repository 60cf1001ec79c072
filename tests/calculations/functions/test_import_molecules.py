import io

import numpy as np
import pytest
from aiida.manage.caching import enable_caching
from aiida.orm import Dict, SinglefileData

from aiida_osc.calculations.functions.import_molecules import import_molecules
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column

CSV = 'smiles,HOMO_hartree\nc1ccccc1,-0.2462\nbad,-0.2\nc1ccsc1,-0.2350\n'
pytestmark = pytest.mark.usefixtures('aiida_profile')


def file_of(text, name='set.csv'):
    return SinglefileData(io.BytesIO(text.encode()), filename=name)


def run(text=CSV, settings=None, name='set.csv'):
    return import_molecules.run_get_node(file=file_of(text, name), settings=Dict(settings or {}))


def test_a_file_becomes_a_set_and_a_report():
    outputs, process = run(settings={'level': 'B3LYP'})
    assert process.is_finished_ok
    table = outputs['molecules'].load()
    assert isinstance(outputs['molecules'], MoleculeSetData)
    np.testing.assert_allclose(table.values(Column('homo', 'B3LYP')), [-6.69944, -6.39468], atol=1e-5)
    assert table.source == ('set', 'set')
    report = outputs['report'].get_dict()
    assert report['accepted'] == 2
    assert report['rejected'] == [{'line': 3, 'text': 'bad', 'reason': 'invalid SMILES'}]


def test_settings_are_optional():
    outputs = import_molecules(file=file_of('c1ccccc1 benzene\n', 'set.smi'))
    assert outputs['molecules'].count == 1


@pytest.mark.parametrize(
    ('text', 'settings', 'status', 'message'),
    [
        (CSV, {}, 210, 'level of theory'),
        (CSV, {'level': 'B3LYP', 'columns': {'IP': 'ie_vertical:eV'}}, 210, "no column 'IP'"),
        (CSV, {'levels': 'B3LYP'}, 210, 'unknown import settings levels'),
        ('', {}, 210, 'set.csv is empty'),
        ('smiles\nbad\n', {}, 310, 'the first, line 2: invalid SMILES'),
    ],
)
def test_bad_files_end_in_an_exit_code(text, settings, status, message):
    outputs, process = run(text, settings)
    assert process.exit_status == status
    assert message in process.exit_message
    assert not outputs


def test_the_same_file_is_taken_from_the_cache():
    with enable_caching(identifier='aiida.calculations:osc.import_molecules'):
        first, _ = run(settings={'level': 'PBE'})
        second, process = run(settings={'level': 'PBE'})
    assert process.base.caching.is_created_from_cache
    hashes = [outputs['molecules'].base.caching.get_hash() for outputs in (first, second)]
    assert hashes[0] == hashes[1]


def test_a_failed_import_fails_again_in_the_same_words():
    with enable_caching(identifier='aiida.calculations:osc.import_molecules'):
        processes = [run('smiles\nxx\n')[1] for _ in range(2)]
    assert [process.exit_status for process in processes] == [310, 310]
    assert processes[0].exit_message == processes[1].exit_message
