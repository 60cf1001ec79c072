"""Write nodes with their provenance as an AiiDA archive, and beside it a manifest of what it holds."""

import json
import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiida.common.log import AIIDA_LOGGER
from aiida.orm import Node, ProcessNode, QueryBuilder
from aiida.tools.archive import create_archive
from aiida.tools.archive.exceptions import ExportImportException
from aiida.tools.graph.graph_traversers import get_nodes_export

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.citations import citation_text, citations
from aiida_osc.datasets.dvc_pointer import pointer_text
from aiida_osc.errors import OscError
from aiida_osc.provenance.archive_content import file_digest, read_archive

FORMAT = 'aiida-osc archive 1'
MANIFEST_SUFFIX = '.manifest.json'
#: Extra of the archived nodes with what must travel with them: sources, licences, citation, versions.
EXTRA = 'osc_archive'
#: Packages whose versions are noted.
PACKAGES = ('aiida-core', 'aiida-osc', 'h5py', 'numpy', 'rdkit', 'torch')
#: Sources that the extra lists; the manifest has all.
LISTED = 100


def manifest_path(archive: str | Path) -> Path:
    """Return where the manifest of an archive is."""
    return Path(f'{archive}{MANIFEST_SUFFIX}')


def write_archive(nodes: Sequence[Node], target: str | Path, *, dvc: bool = False) -> dict[str, Any]:
    """Write ``nodes`` and all they come from or have led to as an archive; return its manifest.

    :param dvc: write a pointer file for DVC, too.
    :raises OscError: when there is nothing to write, a process has not ended, or a file exists or cannot be written.
    """
    target = Path(target)
    files = [target, manifest_path(target), *([Path(f'{target}.dvc')] if dvc else [])]
    if not nodes:
        raise OscError('nothing to archive: give at least one node')
    for path in files:
        if path.exists():
            raise OscError(f'{path} exists: an archive is not changed, give another name')
    pks = get_nodes_export([node.pk for node in nodes if node.pk])['nodes']
    _refuse_unsealed(pks)
    said = _describe(pks)
    for node in nodes:
        node.base.extras.set(EXTRA, {**said, 'sources': said['sources'][:LISTED]})
    partial = target.with_name(f'.{target.name}.partial')
    try:
        _create(nodes, partial)
        manifest = _manifest(partial, target.name, nodes, said)
        manifest_path(target).write_text(json.dumps(manifest, indent=1, sort_keys=True) + '\n', encoding='utf-8')
        partial.rename(target)
        if dvc:
            files[-1].write_text(pointer_text(target), encoding='utf-8')
    except OSError as exception:
        raise OscError(f'{target} cannot be written: {exception}') from None
    finally:
        if partial.exists():
            partial.unlink()
    return manifest


def _create(nodes: Sequence[Node], path: Path) -> None:
    level = AIIDA_LOGGER.getChild('export').level
    AIIDA_LOGGER.getChild('export').setLevel(logging.WARNING)
    try:
        create_archive(list(nodes), filename=path)
    except ExportImportException as exception:
        raise OscError(f'the archive cannot be written: {exception}') from None
    finally:
        AIIDA_LOGGER.getChild('export').setLevel(level)


def _refuse_unsealed(pks: Collection[int]) -> None:
    query = QueryBuilder().append(
        ProcessNode, filters={'id': {'in': list(pks)}, 'attributes.sealed': {'!in': [True]}}, project='id'
    )
    running = sorted(query.all(flat=True))
    if running:
        raise OscError(
            f'processes {", ".join(map(str, running))} have not ended: wait for them; if they were lost with their '
            'worker: verdi daemon stop; verdi process repair; verdi daemon start'
        )


def _describe(pks: Collection[int]) -> dict[str, Any]:
    """Return sources, their licences and citations, and versions, for the nodes that the archive will hold."""
    query = QueryBuilder().append(
        MoleculeSetData, filters={'id': {'in': list(pks)}}, project=['attributes.sources', 'attributes.origins']
    )
    names: set[str] = set()
    for sources, origins in query.iterall():
        names.update(sources or {}, *(origins or {}).values())
    found, versions = citations(names), {name: version(name) for name in PACKAGES}
    return {'sources': found, 'citation': citation_text(found, versions), 'versions': versions}


def _manifest(path: Path, name: str, nodes: Sequence[Node], said: dict[str, Any]) -> dict[str, Any]:
    content = read_archive(path)
    if content.broken:
        raise OscError(f'the archive was not written well: {content.broken}; look at the disk')
    return {
        'format': FORMAT,
        'archive': {'file': name, 'bytes': path.stat().st_size, 'sha256': file_digest(path)},
        'created': datetime.now(UTC).isoformat(timespec='seconds'),
        'requested': sorted(node.uuid for node in nodes),
        **said,
        'nodes': content.nodes,
        'objects': content.objects,
        'links': content.links,
    }
