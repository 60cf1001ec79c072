"""Reader of tables as pandas writes them with ``orient='split'``: one row at a time, the file is never held."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aiida_osc.errors import OscError

#: Characters that are read at once.
PIECE = 2**20
#: Largest single member that is read, in characters.
MAX_MEMBER = 2**28


@dataclass(frozen=True)
class SplitTable:
    """Names of the columns, and the rows, which can be gone through once."""

    names: tuple[str, ...]
    rows: Iterator[list[Any]]


def read_split_json(path: Path) -> SplitTable:
    """Return the columns and rows of ``{"columns": [...], "index": [...], "data": [[...], ...]}``.

    :raises OscError: when the file is missing or has another form; a damaged row is noticed when it is reached.
    """
    parts = _parts(path)
    names = next(parts)
    return SplitTable(tuple(names), parts)


def _parts(path: Path) -> Iterator[list[Any]]:
    """Yield the names of the columns, then each row."""
    names: list[str] | None = None
    try:
        with path.open(encoding='utf-8-sig') as handle:
            text = _Text(handle)
            text.expect('{')
            while (key := text.value()) != 'data':
                text.expect(':')
                value = text.value()
                names = value if key == 'columns' else names
                text.expect(',')
            text.expect(':')
            text.expect('[')
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise ValueError('its columns do not come before its data')
            yield names
            while text.peek() != ']':
                row = text.value()
                if not isinstance(row, list) or len(row) != len(names):
                    raise ValueError(f'a row does not have {len(names)} cells')
                yield row
                if text.peek() == ',':
                    text.expect(',')
    except OSError as exception:
        raise OscError(f'{path.name} cannot be read: {exception.strerror}') from None
    except (ValueError, RecursionError) as exception:
        raise OscError(f"{path.name} is no table as pandas writes it with orient='split': {exception}") from None


class _Text:
    """JSON text of which a window is held."""

    def __init__(self, handle: TextIO) -> None:
        self.handle, self.buffer, self.at = handle, '', 0
        self.decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Return the next character that is no white space.

        :raises ValueError: when the text ends.
        """
        while True:
            while self.at < len(self.buffer):
                if not self.buffer[self.at].isspace():
                    return self.buffer[self.at]
                self.at += 1
            if not self._more():
                raise ValueError('it is cut short')

    def expect(self, character: str) -> None:
        """Go past one character.

        :raises ValueError: when there is another.
        """
        if self.peek() != character:
            raise ValueError(f'{self.buffer[self.at]!r} where {character!r} is expected')
        self.at += 1

    def value(self) -> Any:
        """Return the next JSON value.

        :raises ValueError: when there is none.
        """
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.at)
            except ValueError:
                if not self._more():
                    raise
                continue
            if end == len(self.buffer) and self._more():
                continue  # a number may go on in the next piece
            self.at = end
            return value

    def _more(self) -> bool:
        """Read on, at least as much as is held; return whether there was more."""
        rest = self.buffer[self.at :]
        piece = self.handle.read(max(PIECE, len(rest)))
        if len(rest) > MAX_MEMBER:
            raise ValueError('one member is too long')
        self.buffer, self.at = rest + piece, 0
        return bool(piece)
