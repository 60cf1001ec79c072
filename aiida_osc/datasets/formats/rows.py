"""What every format reader returns: the names of the columns and one record per molecule."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rdkit import Chem

from aiida_osc.errors import OscError


@dataclass(frozen=True)
class Record:
    """One molecule as the file has it.

    :param line: number of its first line, from 1.
    :param text: its SMILES, or its title where the file holds a structure.
    :param cells: text per column.
    :param mol: the structure, for formats that hold one.
    :param problem: why the reader could not make sense of the row.
    """

    line: int
    text: str
    cells: Mapping[str, str] = field(default_factory=dict)
    mol: Chem.Mol | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Rows:
    """Columns and records of one file, in the order of the file; the records may be gone through more than once."""

    headers: tuple[str, ...]
    records: Iterable[Record]


@dataclass(frozen=True)
class Streamed:
    """Records that are read anew each time they are gone through, so that a large file is never held."""

    read: Callable[[], Iterator[Record]]

    def __iter__(self) -> Iterator[Record]:
        """Start at the first record."""
        return self.read()


def origin_header(header: str) -> str:
    """Return the header of the column that says where the values of the column ``header`` come from."""
    # Were the other header first, this one would be read as another level of the same target.
    return f'origin of {header}'


def read_text(path: Path) -> str:
    """Return the text of ``path``, which is UTF-8 with or without a byte order mark.

    :raises OscError: when the file cannot be read, is not UTF-8 or is empty.
    """
    try:
        text = path.read_bytes().decode('utf-8-sig')
    except OSError as exception:
        raise OscError(f'{path.name} cannot be read: {exception.strerror}') from None
    except UnicodeDecodeError as exception:
        raise OscError(
            f'{path.name} is not UTF-8 text (byte {exception.start}): convert it, for example with iconv -t UTF-8'
        ) from None
    if not text.strip():
        raise OscError(f'{path.name} is empty: give a file with at least one molecule')
    _refuse_nul(path, text)
    return text


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of ``path`` with their ends, one at a time; see :func:`read_text`.

    :raises OscError: when the file cannot be read, is not UTF-8 or is empty.
    """
    empty = True
    try:
        with path.open(encoding='utf-8-sig', newline='') as handle:
            for line in handle:
                _refuse_nul(path, line)
                empty = empty and not line.strip()
                yield line
    except (OSError, UnicodeDecodeError):
        read_text(path)  # says what is wrong, and where
        raise
    if empty:
        read_text(path)


def _refuse_nul(path: Path, text: str) -> None:
    if '\0' in text:
        raise OscError(f'{path.name} holds NUL characters: it is no text file')
