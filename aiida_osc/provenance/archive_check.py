"""Check an archive without importing it: every byte, every node, and against the manifest beside it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiida.common.exceptions import ValidationError
from aiida.orm import QueryBuilder

from aiida_osc.data.eigenbasis import EigenbasisData
from aiida_osc.data.field_set import FieldSetData
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.errors import OscError
from aiida_osc.provenance.archive import FORMAT, manifest_path
from aiida_osc.provenance.archive_content import REPOSITORY, ArchiveContent, file_digest, open_archive, read_archive

#: Nodes whose files are read and compared with their attributes.
READ = (MoleculeSetData, GeometrySetData, FieldSetData, EigenbasisData, ModelData)


@dataclass(frozen=True)
class ArchiveCheck:
    """The outcome: how much was read, and in a sentence each what is wrong."""

    nodes: int
    objects: int
    has_manifest: bool
    problems: tuple[str, ...]


def check_archive(path: str | Path) -> ArchiveCheck:
    """Read the whole archive and say what is wrong with it, by node where a node is concerned.

    :raises OscError: when there is no archive, or nothing of it can be read.
    """
    if not Path(path).is_file():
        raise OscError(f'file {path} does not exist')
    manifest, problems = _read_manifest(path)
    content = read_archive(path)
    damage = list(_damage(content, manifest))
    problems += damage
    if manifest:
        problems += _differences(path, content, manifest)
    if not damage:
        problems += _unreadable(path)
    return ArchiveCheck(len(content.nodes), len(content.objects), bool(manifest), tuple(problems))


def _read_manifest(path: str | Path) -> tuple[dict[str, Any], list[str]]:
    """Return the manifest, empty when there is none, and what is wrong with it."""
    place = manifest_path(path)
    if not place.exists():
        return {}, []
    try:
        manifest = json.loads(place.read_text(encoding='utf-8'))
        if manifest['format'] != FORMAT:
            raise ValueError(f'format {manifest["format"]!r}')
        kinds = {'archive': dict, 'nodes': dict, 'objects': dict, 'links': str}
        if not all(isinstance(manifest[key], kind) for key, kind in kinds.items()):
            raise ValueError('entries of another type')
    except (OSError, ValueError, KeyError, TypeError) as exception:
        return {}, [f'the manifest {place.name} cannot be used: {exception}']
    return manifest, []


def _damage(content: ArchiveContent, manifest: dict[str, Any]) -> Iterator[str]:
    """Say which members cannot be read or are missing, and which nodes they belong to."""
    nodes = content.nodes or manifest.get('nodes', {})
    owners: dict[str, list[str]] = {}
    for uuid, node in nodes.items():
        for name, key in node['files'].items():
            owners.setdefault(key, []).append(f'{_name(uuid, node)}, file {name}')
    for member, reason in content.broken.items():
        concerned = owners.get(member.removeprefix(REPOSITORY), [f'member {member} of the archive'])
        yield from (f'{who}: damaged ({reason})' for who in concerned)
    broken = {member.removeprefix(REPOSITORY) for member in content.broken}
    for key, concerned in owners.items():
        if key not in content.objects and key not in broken:
            yield from (f'{who}: missing' for who in concerned)


def _differences(path: str | Path, content: ArchiveContent, manifest: dict[str, Any]) -> Iterator[str]:
    """Say what is otherwise than in the manifest."""
    if file_digest(path) != manifest['archive'].get('sha256'):
        yield f'{Path(path).name} is not the file that its manifest describes'
    if not content.nodes:
        return
    for uuid, node in manifest['nodes'].items():
        if uuid not in content.nodes:
            yield f'{_name(uuid, node)}: missing'
        elif content.nodes[uuid]['digest'] != node['digest']:
            yield f'{_name(uuid, node)}: changed since the archive was written'
    for uuid in content.nodes.keys() - manifest['nodes'].keys():
        yield f'{_name(uuid, content.nodes[uuid])}: not in the manifest'
    if content.links != manifest['links']:
        yield 'the links between nodes are not those of the manifest'


def _unreadable(path: str | Path) -> Iterator[str]:
    """Say which of our data nodes hold what their attributes do not say."""
    with open_archive(path) as backend:
        for node_class in READ:
            for (node,) in QueryBuilder(backend=backend).append(node_class).iterall():
                try:
                    node._validate()
                except (ValidationError, OscError) as exception:
                    yield f'node {node.uuid} ({node_class.__name__} {node.label!r}): {exception}'


def _name(uuid: str, node: dict[str, Any]) -> str:
    label = f' {node["label"]!r}' if node['label'] else ''
    return f'node {uuid} ({node["type"]}{label})'
