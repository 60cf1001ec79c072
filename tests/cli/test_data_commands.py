"""``aiida-osc data`` as a user types it."""

import csv
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from aiida.orm import QueryBuilder, load_node

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.export import export_table
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable

HOMO = Column('homo', 'PBE')


@pytest.fixture
def invoke(run_command, tmp_path):
    """Return a function that runs ``aiida-osc data ...`` in a folder with a good and a bad file."""
    (tmp_path / 'good.csv').write_text('smiles,HOMO_eV\nc1ccccc1,-6.7\nc1ccsc1,-6.3\n')
    (tmp_path / 'bad.csv').write_text('smiles,HOMO_eV\nc1ccccc1,-6.7\n[Na+].[Cl-],-6\n=x,-5\nc1ccccc1,-5.5\nCC,77\n')

    return partial(run_command, 'data')


@pytest.mark.usefixtures('no_profile')
def test_import_to_a_file_needs_no_profile(invoke, tmp_path):
    result = invoke('import', 'good.csv', '--level', 'PBE', '--out', 'out.h5')
    assert '2 molecules from 2 rows; rejected: 0' in result.stderr
    assert result.stdout == ''
    np.testing.assert_array_equal(MoleculeTable.read(tmp_path / 'out.h5').values(HOMO), [-6.7, -6.3])


@pytest.mark.usefixtures('no_profile')
def test_rejected_rows_are_said_and_written(invoke, tmp_path):
    result = invoke('import', 'bad.csv', '--level', 'PBE', '--out', 'out.csv', '--rejected', 'rejected.csv')
    assert '2 molecules from 5 rows; rejected: 2; duplicates: 1, 1 with other values' in result.stderr
    assert 'line 3: [Na+].[Cl-]: more than one fragment' in result.stderr
    assert 'line 5: same molecule as line 2, other value of homo@PBE; the first is kept' in result.stderr
    with (tmp_path / 'rejected.csv').open(newline='') as handle:
        rows = list(csv.reader(handle))
    assert [row[0] for row in rows] == ['line', '3', '4', '5', '6']
    assert rows[2][1] == "'=x"


@pytest.mark.usefixtures('no_profile')
@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ((), 'give a file, or a known data set with --source'),
        (('good.csv', '--source', 'seed'), 'source seed comes with a package: give no file'),
        (('--source', 'ocelot'), 'source ocelot needs its file'),
        (('good.csv', '--source', 'ocelot'), 'is not OCELOT chromophores v1'),
        (('good.csv', '--source', 'oe62'), 'is no table as pandas writes it'),
        (('nothing.csv',), 'file nothing.csv does not exist'),
        (('good.csv',), "column 'HOMO_eV' does not say its level"),
        (('good.csv', '--column', 'IP=homo:eV', '--level', 'PBE'), "no column 'IP' in the file"),
        (('good.csv', '--column', 'HOMO_eV', '--level', 'PBE'), 'write NAME=target:unit'),
        (('good.csv', '--column', 'HOMO_eV=homo:hartree', '--level', 'PBE'), 'they would fit ev'),
        (('good.csv', '--smiles-column', 'mol', '--level', 'PBE'), "no column 'mol': its columns are smiles, HOMO_eV"),
    ],
)
def test_what_cannot_be_imported_ends_in_one_sentence(invoke, arguments, reason):
    result = invoke('import', *arguments, '--out', 'out.h5', code=1)
    assert result.stderr.startswith('Error: ')
    assert reason in result.stderr
    assert result.stderr.count('\n') == 1


@pytest.mark.usefixtures('no_profile')
def test_known_sets_are_listed(invoke):
    shown = invoke('sources').stdout
    for text in ('qm9', 'GFN2-xTB//GFN2-xTB: homo (eV)', 'doi 10.1039/D2SC04676H', 'licence: BSD-3-Clause'):
        assert text in shown


@pytest.mark.usefixtures('no_profile')
def test_a_known_set_says_what_was_not_read(invoke, tmp_path):
    (tmp_path / 'cep.csv').write_text('smiles,PCE\nc1ccsc1,1.5\nc1ccoc1,2.5\nc1cc[nH]c1,0.5\n')
    result = invoke('import', 'cep.csv', '--source', 'cep', '--sample', '2', '--jobs', '2', '--out', 'out.h5')
    assert '2 molecules from 2 rows' in result.stderr
    assert 'not read, an efficiency (%) of the Scharber model' in result.stderr
    assert MoleculeTable.read(tmp_path / 'out.h5').source == ('cep', 'cep')


@pytest.mark.usefixtures('no_profile')
def test_files_that_give_nothing(invoke, tmp_path):
    (tmp_path / 'empty.csv').write_text('')
    (tmp_path / 'none.smi').write_text('xx\n')
    assert 'empty.csv is empty' in invoke('import', 'empty.csv', '--out', 'o.h5', code=1).stderr
    result = invoke('import', 'none.smi', '--out', 'o.h5', '--rejected', 'r.csv', code=1)
    assert 'no row gives a molecule; the first, line 1: invalid SMILES' in result.stderr
    assert (tmp_path / 'r.csv').read_text() == 'line,text,reason\n1,xx,invalid SMILES\n'
    assert not (tmp_path / 'o.h5').exists()


@pytest.mark.usefixtures('no_profile')
def test_show_export_and_merge_work_on_files(invoke, tmp_path):
    invoke('import', 'good.csv', '--level', 'PBE', '--out', 'one.h5')
    (tmp_path / 'two.csv').write_text('smiles,homo_eV\nc1ccsc1,-6.9\nc1ccoc1,-6.5\n')
    merged = invoke('merge', 'one.h5', 'two.csv', '--level', 'PBE', '--out', 'union.csv')
    assert 'one.h5: 2 new molecules, 0 values differ' in merged.stderr
    assert 'two.csv: 1 new molecules, 1 values differ' in merged.stderr
    shown = invoke('show', 'union.csv', '--rows', '1').stdout
    assert '3 molecules' in shown
    assert 'homo@PBE' in shown
    assert 'c1ccccc1  homo=-6.7' in shown
    assert 'c1ccoc1' not in shown
    invoke('export', 'union.csv', '--out', 'union.sdf')
    assert (tmp_path / 'union.sdf').read_text().count('$$$$') == 3


@pytest.mark.usefixtures('no_profile')
def test_every_value_of_a_merged_set_says_its_origin(invoke, tmp_path):
    invoke('import', 'good.csv', '--level', 'PBE', '--out', 'one.h5')
    (tmp_path / 'two.csv').write_text('smiles,homo_eV,lumo_eV\nc1ccsc1,-6.9,-1.5\nc1ccoc1,-6.5,-1.2\n')
    invoke('import', 'two.csv', '--level', 'PBE', '--out', 'two.h5')
    merged = invoke('merge', 'one.h5', 'two.h5', '--out', 'union.h5', '--conflicts', 'differ.csv')
    assert 'homo@PBE: 1 differ; the earlier ones are kept' in merged.stderr
    assert '3 records written to union.h5' in merged.stderr
    (row,) = csv.DictReader((tmp_path / 'differ.csv').open())
    assert (row['kept'], row['kept_origin'], row['dropped'], row['dropped_origin']) == ('-6.3', 'good', '-6.9', 'two')
    shown = invoke('show', 'union.h5', '--molecule', 'C1=CSC=C1').stdout.splitlines()
    assert shown[0].endswith('c1ccsc1  source: good')
    assert shown[1:] == ['homo -6.3 eV  at PBE  from good', 'lumo -1.5 eV  at PBE  from two']
    assert invoke('show', 'union.h5', '--molecule', shown[0].split()[0]).stdout.splitlines() == shown
    assert 'is not in this set' in invoke('show', 'union.h5', '--molecule', 'CC', code=1).stderr
    assert 'and no SMILES' in invoke('show', 'union.h5', '--molecule', 'x-y', code=1).stderr
    invoke('export', 'union.h5', '--origins', '--out', 'union.csv')
    (thiophene,) = (row for row in csv.DictReader((tmp_path / 'union.csv').open()) if row['smiles'] == 'c1ccsc1')
    assert (thiophene['origin of homo@PBE'], thiophene['origin of lumo@PBE']) == ('good', 'two')
    assert 'cannot take origins' in invoke('export', 'union.h5', '--origins', '--out', 'union.sdf', code=1).stderr


@pytest.mark.usefixtures('no_profile')
@pytest.mark.parametrize(
    ('tolerance', 'reason'),
    [('much', 'write NUMBER or TARGET=NUMBER'), ('colour=1', "unknown target 'colour'"), ('homo=-1', 'at least 0')],
)
def test_tolerances(invoke, tolerance, reason):
    invoke('import', 'good.csv', '--level', 'PBE', '--out', 'one.h5')
    assert reason in invoke('merge', 'one.h5', '--tolerance', tolerance, '--out', 'o.h5', code=1).stderr
    invoke('merge', 'one.h5', '--tolerance', 'homo=0.1', '--tolerance', '0.01', '--out', 'o.h5')


@pytest.mark.usefixtures('no_profile')
def test_show_a_file_whose_level_is_not_known(invoke):
    assert 'homo@unspecified' in invoke('show', 'good.csv').stdout


@pytest.mark.usefixtures('no_profile')
def test_geometry_files(invoke, tmp_path):
    table = GeometryTable([Geometry('KEY', 1, [1, 1], [[0, 0, 0], [0.74, 0, 0]])], 'GFN2-xTB')
    export_table(table, tmp_path / 'geometries.h5')
    assert 'charges: +1 (1)' in invoke('show', 'geometries.h5').stdout
    invoke('export', 'geometries.h5', '--out', 'out.xyz')
    assert (tmp_path / 'out.xyz').read_text().startswith('2\ninchikey=KEY charge=1')
    assert 'not a molecule table' in invoke('merge', 'geometries.h5', '--out', 'o.h5', code=1).stderr
    assert 'give a molecule set' in invoke('merge', 'geometries.h5', '--out', 'o.csv', code=1).stderr


@pytest.mark.usefixtures('no_profile')
def test_a_damaged_file_is_refused(invoke, tmp_path):
    (tmp_path / 'broken.h5').write_bytes(b'\x89HDF\r\n\x1a\n' + b'0' * 100)
    for arguments in (('show', 'broken.h5'), ('export', 'broken.h5', '--out', 'x.csv')):
        assert 'not a readable HDF5 file' in invoke(*arguments, code=1).stderr


@pytest.mark.usefixtures('aiida_profile_clean')
class TestNodes:
    """With a profile, results are nodes with provenance."""

    def test_import_stores_a_set_with_its_file_and_report(self, invoke):
        result = invoke('import', 'bad.csv', '--level', 'PBE', '--label', 'mine')
        node = QueryBuilder().append(MoleculeSetData, filters={'label': 'mine'}).one()[0]
        assert result.stdout == f'pk {node.pk}, uuid {node.uuid}: 2 molecules\n'
        assert 'rejected: 2' in result.stderr
        assert node.creator.process_label == 'import_molecules'
        assert node.creator.inputs.file.filename == 'bad.csv'
        assert len(node.creator.outputs.report.get_dict()['rejected']) == 2

    def test_a_known_set_keeps_its_name_and_what_was_left_out(self, invoke, tmp_path):
        (tmp_path / 'cep.csv').write_text('smiles,PCE\nc1ccsc1,1.5\n')
        invoke('import', 'cep.csv', '--source', 'cep')
        node = QueryBuilder().append(MoleculeSetData, filters={'label': 'cep'}).one()[0]
        assert node.creator.inputs.settings.get_dict() == {'environment': 'gas', 'source_name': 'cep'}
        assert list(node.creator.outputs.report['left_out']) == ['PCE']
        assert node.load().source == ('cep',)

    def test_a_failed_import_says_which_rows(self, invoke, tmp_path):
        (tmp_path / 'none.smi').write_text('xx\nC.C\n')
        result = invoke('import', 'none.smi', '--rejected', 'r.csv', code=1)
        assert 'line 2: C.C: more than one fragment' in result.stderr
        assert 'Error: no row gives a molecule' in result.stderr
        assert (tmp_path / 'r.csv').read_text().count('\n') == 3
        assert QueryBuilder().append(MoleculeSetData).count() == 0

    def test_show_export_and_merge_by_label(self, invoke, tmp_path):
        invoke('import', 'good.csv', '--level', 'PBE', '--label', 'one')
        (tmp_path / 'two.csv').write_text('smiles,homo_eV\nc1ccsc1,-6.9\nc1ccoc1,-6.5\n')
        arguments = ('one', 'two.csv', '--level', 'PBE', '--label', 'union', '--conflicts', 'differ.csv')
        result = invoke('merge', *arguments)
        pk = int(result.stdout.split()[1].rstrip(','))
        assert load_node(pk).label == 'union'
        assert load_node(pk).count == 3
        assert load_node(pk).base.attributes.get('origins', None) is None, 'each value is of the set of its molecule'
        assert (tmp_path / 'differ.csv').read_text() == load_node(pk).creator.outputs.conflicts.get_content()
        again = invoke('merge', 'union', 'two.csv', '--level', 'PBE', '--tolerance', 'homo=1', '--conflicts', 'no.csv')
        assert '0 values differ' in again.stderr
        assert (tmp_path / 'no.csv').read_text().count('\n') == 1
        assert '3 molecules' in invoke('show', pk).stdout
        invoke('export', 'union', '--out', 'union.csv')
        assert len((tmp_path / 'union.csv').read_text().splitlines()) == 4
        assert 'no coordinates for XYZ' in invoke('export', 'union', '--out', 'union.xyz', code=1).stderr

    def test_geometry_node(self, invoke):
        table = GeometryTable([Geometry('KEY', 0, [1, 1], [[0, 0, 0], [0.74, 0, 0]])], 'GFN2-xTB')
        node = GeometrySetData(table).store()
        assert '1 structures at GFN2-xTB' in invoke('show', node.uuid).stdout

    def test_wrong_nodes(self, invoke):
        invoke('import', 'good.csv', '--level', 'PBE', '--label', 'one')
        node = QueryBuilder().append(MoleculeSetData).one()[0]
        file = node.creator.inputs.file
        assert 'is a SinglefileData: give a molecule or geometry set' in invoke('show', file.pk, code=1).stderr
        assert "no node 'nothing'" in invoke('show', 'nothing', code=1).stderr
        assert 'does not exist' in invoke('show', 'nothing.csv', code=1).stderr

    def test_archive_and_its_check(self, invoke, tmp_path):
        invoke('import', 'good.csv', '--level', 'PBE', '--label', 'one')
        written = invoke('archive', 'one', '--out', 'one.aiida', '--dvc')
        assert written.stdout.startswith('one.aiida: 5 nodes')
        assert 'source good: licence unknown to aiida-osc' in written.stderr
        names = ['one.aiida', 'one.aiida.dvc', 'one.aiida.manifest.json']
        assert sorted(path.name for path in tmp_path.glob('one.*')) == names
        environment = {**os.environ, 'AIIDA_PATH': str(tmp_path / 'no profile here')}
        program = 'import sys; from aiida_osc.cli import main; main(sys.argv[1:])'
        words = [sys.executable, '-c', program, 'data', 'archive', '--verify', 'one.aiida']
        checked = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
        assert checked.returncode == 0, checked.stderr
        assert 'are sound, as its manifest says' in checked.stdout
        (tmp_path / 'one.aiida').write_bytes((tmp_path / 'one.aiida').read_bytes()[:-1] + b'x')
        assert 'is not sound: 1 problems' in invoke('archive', '--verify', 'one.aiida', code=1).stderr

    @pytest.mark.parametrize(
        ('arguments', 'reason'),
        [
            ((), 'say what to archive and where to'),
            (('1',), 'say what to archive and where to'),
            (('nothing', '--out', 'x.aiida'), "no node 'nothing'"),
            (('1', '--verify', 'x.aiida'), '--verify checks a file'),
            (('--verify', 'x.aiida'), 'does not exist'),
        ],
    )
    def test_archives_that_cannot_be(self, invoke, arguments, reason):
        assert reason in invoke('archive', *arguments, code=1).stderr
