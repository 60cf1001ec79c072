"""The four-point runner as one file: a zip application, the same bytes for the same sources."""

import zipfile
from importlib.resources import files
from typing import BinaryIO

#: Name of the package inside the archive, and of the file that travels.
PACKAGE, RUNNER = 'fourpoint_runner', 'fourpoint_runner.pyz'
#: What Python starts; a package inside the archive keeps relative imports working.
START = f"import runpy\n\nrunpy.run_module('{PACKAGE}', run_name='__main__')\n"
#: No clock may show in the bytes; zip knows no earlier time.
TIME = (1980, 1, 1, 0, 0, 0)
READABLE = 0o644 << 16


def write_runner(handle: BinaryIO) -> None:
    """Write the runner, to be started as ``python fourpoint_runner.pyz [FOLDER]``.

    :param handle: open for writing bytes.
    """
    sources = sorted((item.name, item.read_bytes()) for item in _folder().iterdir() if item.name.endswith('.py'))
    with zipfile.ZipFile(handle, 'w', zipfile.ZIP_STORED) as archive:
        _add(archive, '__main__.py', START.encode())
        for name, content in sources:
            _add(archive, f'{PACKAGE}/{name}', content)


def _folder():  # type: ignore[no-untyped-def]  # a Traversable, whose place in the library differs between versions
    return files('aiida_osc.qc').joinpath(PACKAGE)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, TIME)
    entry.create_system, entry.external_attr = 3, READABLE
    archive.writestr(entry, content)
