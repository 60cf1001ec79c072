"""What an AiiDA archive holds, read without importing it: nodes, links and files, each with a digest."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiida.common.exceptions import AiidaException
from aiida.orm import Node, QueryBuilder
from aiida.tools.archive.implementations.sqlite_zip.main import ArchiveFormatSqlZip

from aiida_osc.errors import OscError

REPOSITORY = 'repo/'
#: What decides the digest of a node.
_FIELDS = (
    'uuid', 'node_type', 'process_type', 'label', 'description', 'ctime', 'attributes', 'extras', 'repository_metadata',
)  # fmt: skip
#: What reading a damaged zip file raises; a flipped bit may ask zipfile for a compression that it does not have.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


@dataclass
class ArchiveContent:
    """What was found in an archive.

    :param nodes: uuid -> ``type``, ``label``, ``digest`` and ``files`` (path -> key of the object).
    :param objects: key of each object -> its size in bytes.
    :param links: SHA-256 of all links.
    :param broken: member of the archive -> why it cannot be read, or that its content is another.
    """

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    links: str = ''
    broken: dict[str, str] = field(default_factory=dict)


def read_archive(path: str | Path) -> ArchiveContent:
    """Return the content of the archive; every byte of it is read.

    :raises OscError: when it is no archive, or of another version.
    """
    content = ArchiveContent()
    _read_members(path, content)
    if not content.broken.keys() & {'db.sqlite3', 'metadata.json'}:
        try:
            with open_archive(path) as backend:
                _read_database(backend, content)
        except OscError as exception:
            content.broken['db.sqlite3'] = str(exception)
    return content


@contextmanager
def open_archive(path: str | Path) -> Iterator[Any]:
    """Open the storage of an archive for queries within the block.

    :raises OscError: when it cannot be read.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with ArchiveFormatSqlZip().open(path, 'r') as reader:
            yield reader.get_backend()
    except (AiidaException, SQLAlchemyError, ValueError, *_BROKEN) as exception:
        raise OscError(f'{path} cannot be read as an archive: {exception}') from None


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file."""
    with Path(path).open('rb') as handle:
        return hashlib.file_digest(handle, 'sha256').hexdigest()


def _read_members(path: str | Path, content: ArchiveContent) -> None:
    """Read every file of the archive once; objects are named by their SHA-256."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name, digest = member.filename, hashlib.sha256()
                try:
                    with archive.open(member) as handle:
                        while chunk := handle.read(2**20):
                            digest.update(chunk)
                except _BROKEN as exception:
                    content.broken[name] = str(exception)
                    continue
                key = name.removeprefix(REPOSITORY)
                if key != name and not member.is_dir():
                    content.objects[key] = member.file_size
                    if digest.hexdigest() != key:
                        content.broken[name] = 'its content is not what its name says'
    except _BROKEN as exception:
        raise OscError(f'{path} is no archive that can be read: {exception}') from None


def _read_database(backend: Any, content: ArchiveContent) -> None:
    query = QueryBuilder(backend=backend).append(Node, project=list(_FIELDS))
    for row in query.iterall(batch_size=1000):
        values = dict(zip(_FIELDS, row, strict=True))
        text = json.dumps({**values, 'ctime': values['ctime'].isoformat()}, sort_keys=True)
        content.nodes[values['uuid']] = {
            'type': values['process_type'] or values['node_type'],
            'label': values['label'],
            'digest': hashlib.sha256(text.encode()).hexdigest(),
            'files': dict(_files(values['repository_metadata'] or {})),
        }
    query = QueryBuilder(backend=backend).append(Node, tag='from', project=['uuid'])
    query.append(Node, with_incoming='from', project=['uuid'], edge_project=['type', 'label'])
    links = hashlib.sha256()
    for line in sorted('\t'.join(row) for row in query.iterall(batch_size=1000)):
        links.update(line.encode() + b'\n')
    content.links = links.hexdigest()


def _files(metadata: dict[str, Any], above: str = '') -> Iterator[tuple[str, str]]:
    """Yield path and key of every file of a node."""
    for name, item in metadata.get('o', {}).items():
        if 'k' in item:
            yield f'{above}{name}', item['k']
        else:
            yield from _files(item, f'{above}{name}/')
