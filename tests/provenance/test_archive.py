"""Archives: written with a manifest, checked without importing, imported into another profile."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from aiida.common.links import LinkType
from aiida.engine import ProcessState
from aiida.manage import get_manager
from aiida.orm import CalcFunctionNode, Dict, Node, QueryBuilder, WorkChainNode, load_node
from aiida.tools.archive import import_archive

from aiida_osc.calculations.functions.merge import merge
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.provenance.archive import EXTRA, manifest_path, write_archive
from aiida_osc.provenance.archive_check import check_archive

HOMO = Column('homo', 'PBE')


def molecule_set(source, *keys):
    table = MoleculeTable(['C'] * len(keys), keys, [source] * len(keys), {HOMO: np.arange(-1.0, -1.0 - len(keys), -1)})
    return MoleculeSetData(table, label=f'from {source}')


@pytest.fixture(scope='module')
def union(aiida_profile):
    """Return a stored set that a calcfunction has made of two others."""
    aiida_profile.reset_storage()
    return merge(a=molecule_set('qm9', 'A', 'B'), b=molecule_set('somewhere', 'B', 'C'))['molecules']


@pytest.fixture(scope='module')
def written(union, tmp_path_factory):
    """Return the archive of the union, which no test may change."""
    path = tmp_path_factory.mktemp('written') / 'set.aiida'
    write_archive([union], path)
    return path


@pytest.fixture
def archive(written, tmp_path):
    """Return a copy of the archive and its manifest."""
    for path in (written, manifest_path(written)):
        shutil.copy(path, tmp_path)
    return tmp_path / written.name


def damage(path, member, change=lambda content: content[:-1] + bytes([content[-1] ^ 1])):
    """Replace the content of a member of the archive."""
    with zipfile.ZipFile(path) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    contents[member] = change(contents[member])
    with zipfile.ZipFile(path, 'w') as target:
        for name, content in contents.items():
            target.writestr(name, content)


def key_of(archive, node):
    return json.loads(manifest_path(archive).read_text())['nodes'][node.uuid]['files'][MoleculeSetData.FILE_NAME]


def test_manifest_says_what_is_in_the_archive_and_what_to_cite(archive, union):
    manifest = json.loads(manifest_path(archive).read_text())
    assert manifest['requested'] == [union.uuid]
    links = union.creator.base.links
    around = [*links.get_incoming().all_nodes(), *links.get_outgoing().all_nodes()]
    assert set(manifest['nodes']) == {union.creator.uuid, *(node.uuid for node in around)}
    assert manifest['nodes'][union.uuid]['type'] == 'data.osc.molecule_set.MoleculeSetData.'
    assert manifest['archive']['bytes'] == archive.stat().st_size
    assert {item['name']: item['doi'] for item in manifest['sources']} == {
        'qm9': '10.1038/sdata.2014.22',
        'somewhere': '',
    }
    assert '10.1038/sdata.2014.22' in manifest['citation']
    assert 'named by whoever hands this on: somewhere' in manifest['citation']
    assert manifest['versions']['aiida-core'].startswith('2.')
    assert union.base.extras.get(EXTRA)['citation'] == manifest['citation'], 'it travels with the node, too'


def test_sound_archive_passes_with_and_without_its_manifest(archive):
    check = check_archive(archive)
    assert check.problems == ()
    assert check.has_manifest
    assert check.nodes == 6, 'two sets, the process, the union, its report and its conflicts'
    manifest_path(archive).unlink()
    assert check_archive(archive).problems == ()
    assert not check_archive(archive).has_manifest


def test_moved_and_renamed_archive_passes(archive, tmp_path):
    moved = tmp_path / 'elsewhere.aiida'
    shutil.move(archive, moved)
    shutil.move(manifest_path(archive), manifest_path(moved))
    assert check_archive(moved).problems == ()


def test_damaged_file_of_a_node_is_named(archive, union):
    damage(archive, f'repo/{key_of(archive, union)}')
    problems = check_archive(archive).problems
    assert any(union.uuid in text and MoleculeSetData.FILE_NAME in text and 'damaged' in text for text in problems)
    assert any('not the file that its manifest describes' in text for text in problems)
    manifest_path(archive).unlink()
    (problem,) = check_archive(archive).problems
    assert union.uuid in problem


def test_flipped_bit_on_the_disk_is_found(archive, union):
    with zipfile.ZipFile(archive) as handle:
        info = handle.getinfo(f'repo/{key_of(archive, union)}')
    content = bytearray(archive.read_bytes())
    content[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 1
    archive.write_bytes(bytes(content))
    assert any(union.uuid in text for text in check_archive(archive).problems)


def test_damaged_database_is_said_and_nodes_are_still_named(archive, union):
    damage(archive, 'db.sqlite3', lambda content: b'no database' * 100)
    damage(archive, f'repo/{key_of(archive, union)}')
    problems = check_archive(archive).problems
    assert any('db.sqlite3' in text for text in problems)
    assert any(union.uuid in text for text in problems)


def test_node_changed_in_the_database_is_named(archive, union, tmp_path):
    import sqlite3

    with zipfile.ZipFile(archive) as handle:
        (tmp_path / 'db').write_bytes(handle.read('db.sqlite3'))
    connection = sqlite3.connect(tmp_path / 'db')
    connection.execute('UPDATE db_dbnode SET label = ? WHERE uuid = ?', ('other', union.uuid))
    assert connection.total_changes == 1
    connection.execute('DELETE FROM db_dblink')
    connection.commit()
    connection.close()
    damage(archive, 'db.sqlite3', lambda content: (tmp_path / 'db').read_bytes())
    problems = check_archive(archive).problems
    assert any(union.uuid in text and 'changed since' in text for text in problems)
    assert any('links' in text for text in problems)


def test_contradicting_node_is_named_though_its_hashes_are_right(aiida_profile, tmp_path):
    node = molecule_set('mine', 'A').store()
    node.backend_entity.set_attribute('count', 7)
    write_archive([node], tmp_path / 'set.aiida')
    (problem,) = check_archive(tmp_path / 'set.aiida').problems
    assert node.uuid in problem
    assert "'count'" in problem


@pytest.mark.parametrize('content', [b'', b'no archive', b'PK\x03\x04 torn'])
def test_what_is_no_archive_is_refused(aiida_profile, tmp_path, content):
    (tmp_path / 'x.aiida').write_bytes(content)
    with pytest.raises(OscError, match='no archive that can be read'):
        check_archive(tmp_path / 'x.aiida')
    with pytest.raises(OscError, match='does not exist'):
        check_archive(tmp_path / 'nothing.aiida')


@pytest.mark.parametrize('text', ['', '{}', '{"format": "other"}', '[]'])
def test_unusable_manifest_is_a_problem(archive, text):
    manifest_path(archive).write_text(text)
    (problem,) = check_archive(archive).problems
    assert 'cannot be used' in problem


def test_missing_object_is_a_problem(archive, union):
    key = key_of(archive, union)
    with zipfile.ZipFile(archive) as source:
        contents = {name: source.read(name) for name in source.namelist() if key not in name}
    with zipfile.ZipFile(archive, 'w') as target:
        for name, content in contents.items():
            target.writestr(name, content)
    assert any(union.uuid in text and text.endswith('missing') for text in check_archive(archive).problems)


def test_pointer_for_dvc(union, tmp_path):
    import hashlib

    path = tmp_path / 'set.aiida'
    write_archive([union], path, dvc=True)
    # The layout that dvc 3 writes: https://dvc.org/doc/user-guide/project-structure/dvc-files
    expected = {'md5': hashlib.md5(path.read_bytes()).hexdigest(), 'size': path.stat().st_size, 'hash': 'md5'}
    assert yaml.safe_load(Path(f'{path}.dvc').read_text()) == {'outs': [{**expected, 'path': 'set.aiida'}]}


def test_nothing_is_overwritten_or_left_behind(archive, union, tmp_path):
    before = archive.read_bytes()
    with pytest.raises(OscError, match='exists: an archive is not changed'):
        write_archive([union], archive)
    assert archive.read_bytes() == before
    with pytest.raises(OscError, match='nothing to archive'):
        write_archive([], tmp_path / 'other.aiida')
    with pytest.raises(OscError, match='cannot be written'):
        write_archive([union], tmp_path / 'set.aiida' / 'x.aiida')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['set.aiida', 'set.aiida.manifest.json']


def test_process_that_has_not_ended_is_refused_with_the_cure(aiida_profile, tmp_path):
    node = molecule_set('mine', 'A').store()
    process = CalcFunctionNode()
    process.base.links.add_incoming(node, LinkType.INPUT_CALC, 'molecules')
    process.store()
    process.set_process_state(ProcessState.RUNNING)
    with pytest.raises(OscError, match=f'processes {process.pk} have not ended.*verdi process repair'):
        write_archive([process], tmp_path / 'x.aiida')
    assert list(tmp_path.iterdir()) == []
    assert EXTRA not in process.base.extras.all


def test_a_campaign_takes_its_data_along(aiida_profile, tmp_path):
    campaign, data = WorkChainNode(process_type='aiida.workflows:osc.discovery', label='first'), molecule_set('m', 'A')
    campaign.base.links.add_incoming(data.store(), LinkType.INPUT_WORK, 'molecules')
    campaign.store()
    made = Dict({'a': 1}).store()
    made.base.links.add_incoming(campaign, LinkType.RETURN, 'history')
    campaign.set_process_state(ProcessState.FINISHED)
    campaign.seal()
    manifest = write_archive([campaign], tmp_path / 'campaign.aiida')
    assert set(manifest['nodes']) == {campaign.uuid, data.uuid, made.uuid}
    assert manifest['nodes'][campaign.uuid]['type'] == 'aiida.workflows:osc.discovery'


def everything(backend):
    """Return what a profile holds of the nodes and links: a second import may change nothing of it."""
    fields = ['uuid', 'label', 'attributes', 'extras', 'repository_metadata', 'mtime']
    nodes = QueryBuilder(backend=backend).append(Node, project=fields).all()
    links = QueryBuilder(backend=backend).append(Node, tag='a', project='uuid')
    links.append(Node, with_incoming='a', project='uuid', edge_project=['label'])
    return sorted(map(str, nodes)), sorted(map(str, links.all()))


def test_imported_twice_into_another_profile_changes_nothing(
    archive, union, aiida_config, aiida_profile_factory, tmp_path
):
    expected, uuid, home = union.load().content_hash(), union.uuid, get_manager().get_profile()
    storage = {'storage_backend': 'core.sqlite_dos', 'storage_config': {'filepath': str(tmp_path / 'other')}}
    with aiida_profile_factory(aiida_config, **storage) as other:
        assert other.name != home.name
        assert QueryBuilder().append(Node).count() == 0
        import_archive(archive, create_group=False)
        first = everything(get_manager().get_profile_storage())
        node = load_node(uuid)
        assert node.load().content_hash() == expected
        assert node.creator.process_label == 'merge'
        assert 'doi 10.1038/sdata.2014.22' in node.base.extras.get(EXTRA)['citation']
        import_archive(archive, create_group=False)
        assert everything(get_manager().get_profile_storage()) == first
    assert get_manager().get_profile().name == home.name
