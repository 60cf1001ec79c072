"""The pointer file by which DVC 3 knows a file, for groups that keep their data with it; see dvc.org, `.dvc` files."""

import hashlib
from pathlib import Path

import yaml


def pointer_text(path: str | Path) -> str:
    """Return the content of ``path`` + ``.dvc``: MD5, size and name of the file, as ``dvc add`` writes it."""
    path = Path(path)
    with path.open('rb') as handle:
        digest = hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    entry = {'md5': digest, 'size': path.stat().st_size, 'hash': 'md5', 'path': path.name}
    return yaml.safe_dump({'outs': [entry]}, sort_keys=False, allow_unicode=True)
