"""``aiida-osc data audit``, ``describe``, ``enumerate`` and ``split`` as a user types them."""

import json
from functools import partial

import numpy as np
import pytest
from aiida.orm import Dict, QueryBuilder, load_node

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable


@pytest.fixture
def invoke(run_command, tmp_path, labelled_table):
    """Return a function that runs ``aiida-osc data ...`` in a folder with a set of molecules."""
    labelled_table.write(tmp_path / 'set.h5')
    (tmp_path / 'bad.csv').write_text('smiles,lambda_hole_eV\nc1ccccc1,0.2\nc1ccsc1,0.3\n')

    return partial(run_command, 'data')


@pytest.mark.usefixtures('no_profile')
def test_audit_of_files(invoke, tmp_path):
    result = invoke('audit', 'set.h5', 'bad.csv', '--out', 'page.html')
    assert 'set.h5: 60 molecules' in result.stdout
    assert 'missing: lumo, gap, ie_vertical' in result.stdout
    assert 'molar_mass, heavy_atoms' in result.stdout
    assert 'in part: dipole (75.0 %)' in result.stdout
    assert 'set.h5 and bad.csv share 0 molecules' in result.stdout
    assert (tmp_path / 'page.html').read_text().startswith('<!DOCTYPE html>')


@pytest.mark.usefixtures('no_profile')
def test_audit_as_json(invoke):
    found = json.loads(invoke('audit', 'set.h5', '--json', '--outlier', '3', '--listed', '1').stdout)
    assert found['settings']['outlier'] == 3
    assert found['sets'][0]['columns'][0]['column'] == 'dipole@made up'


@pytest.mark.usefixtures('no_profile')
def test_the_same_file_twice_is_two_sets(invoke):
    assert 'set.h5 (0) and set.h5 (1) share 60 molecules' in invoke('audit', 'set.h5', 'set.h5').stdout


@pytest.mark.usefixtures('no_profile')
def test_describe_to_a_file(invoke, tmp_path):
    result = invoke('describe', 'set.h5', '--partner', 'toluene', '--dipole', 'dipole@made up', '--out', 'out.h5')
    assert 'miscibility_surrogate@Mathieu+dipole[made up]:toluene: 45 of 60 molecules' in result.stderr
    assert 'no Hansen parameters for molecules with no dipole (15)' in result.stderr
    table = MoleculeTable.read(tmp_path / 'out.h5')
    assert np.isfinite(table.values(Column('packing_surrogate', 'graph'))).all()


@pytest.mark.usefixtures('no_profile')
def test_enumerate_to_a_file(invoke, tmp_path):
    arguments = ('enumerate', 'bad.csv', '--max-heavy-atoms', '14', '--seed', '4')
    result = invoke(*arguments, '--count', '5', '--out', 'made.h5')
    assert '5 records written to made.h5' in result.stderr
    assert len(MoleculeTable.read(tmp_path / 'made.h5')) == 5
    none = invoke(*arguments, '--count', '1', '--max-sa-score', '0.5', '--out', 'none.h5')
    assert 'x too hard to make' in none.stderr
    assert '0 records written' in none.stderr


@pytest.mark.usefixtures('no_profile')
def test_describe_only_some_from_structures(invoke, tmp_path, labelled_table):
    numbers, positions = np.array([6, 6]), np.array([[0.0, 0, 0], [0, 0, 1.5]])
    GeometryTable([Geometry(labelled_table.inchikeys[0], 0, numbers, positions)], 'x').write(tmp_path / 'geo.h5')
    result = invoke('describe', 'set.h5', '--only', 'packing', '--geometries', 'geo.h5', '--out', 'out.h5')
    assert 'structures other molecule: 1' in result.stderr
    assert 'structures missing: 59' in result.stderr
    assert 'molar_mass' not in result.stderr
    wrong = invoke('describe', 'set.h5', '--geometries', 'set.h5', '--out', 'out.h5', code=1)
    assert 'set.h5 holds no structures' in wrong.output


@pytest.mark.usefixtures('no_profile')
def test_split_to_files(invoke, tmp_path, labelled_table):
    result = invoke(
        'split', 'set.h5', '--by', 'scaffold', '--fractions', 0.6, 0.2, 0.2, '--out-prefix', 'p', '--seed', 3
    )
    parts = [MoleculeTable.read(tmp_path / f'p-{name}.h5') for name in ('train', 'validation', 'test')]
    assert sum(map(len, parts)) == len(labelled_table)
    report = json.loads((tmp_path / 'p-report.json').read_text())
    assert report['seed'] == 3
    assert report['counts']['train'] == len(parts[0])
    assert f'train {len(parts[0])}, validation {len(parts[1])}' in result.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('audit', 'nothing.h5'), 'file nothing.h5 does not exist'),
        (('audit', 'bad.csv', '--out', 'no/page.html'), 'cannot be written'),
        (('describe', 'set.h5', '--partner', 'nobody?', '--out', 'x.h5'), "partner 'nobody?' is unknown"),
        (('describe', 'set.h5', '--dipole', 'dipole@PBE', '--out', 'x.h5'), 'no dipoles in a column dipole@PBE'),
        (('split', 'set.h5', '--fractions', 0.8, 0.1, 0.2, '--out-prefix', 'x'), 'give three that sum to 1'),
        (('split', 'set.h5', '--column', 'gap@PBE', '--out-prefix', 'x'), 'no column gap@PBE'),
        (('split', 'bad.csv', '--out-prefix', 'x'), '2 molecules cannot be split'),
        (('split', 'set.h5', '--out-prefix', 'no/x'), 'cannot be written'),
    ],
)
@pytest.mark.usefixtures('no_profile')
def test_bad_input_is_a_sentence(invoke, arguments, message):
    assert message in invoke(*arguments, code=1).output


@pytest.mark.usefixtures('aiida_profile')
def test_nodes_are_linked(invoke, labelled_table):
    node = MoleculeSetData(labelled_table).store()
    invoke('describe', node.pk, '--partner', 'toluene', '--label', 'described')
    (described,) = QueryBuilder().append(MoleculeSetData, filters={'label': 'described'}).all(flat=True)
    assert described.creator.base.links.get_incoming().get_node_by_label('molecules').uuid == node.uuid
    result = invoke('enumerate', node.pk, '--count', '2')
    made = load_node(int(result.stdout.split('pk ')[1].split(',')[0]))
    assert (made.count, made.creator.inputs.molecules.uuid) == (2, node.uuid)
    result = invoke('split', described.pk, '--by', 'cluster')
    train = load_node(int(result.stdout.split('pk ')[1].split(',')[0]))
    assert train.creator.inputs.molecules.uuid == described.uuid
    result = invoke('audit', node.pk, train.pk, '--store')
    audit = load_node(int(result.stderr.split('pk ')[1].split(',')[0]))
    assert isinstance(audit, Dict)
    assert audit.creator.inputs.set_001.uuid == train.uuid
    assert f'{node.pk} and {train.pk} share {train.count} molecules' in result.stdout
    assert 'the molecules cannot be split' in invoke('split', MoleculeSetData().store().pk, code=1).output
