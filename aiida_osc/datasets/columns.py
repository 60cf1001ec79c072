"""A column of a molecule table: one target at one level of theory in one environment."""

from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.targets import Target, get_target

GAS = 'gas'


@dataclass(frozen=True, order=True)
class Column:
    """Key of a column; its written form is ``target@level`` or ``target@level@environment``."""

    target: str
    level: str
    environment: str = GAS

    def __post_init__(self) -> None:
        """Check the parts.

        :raises OscError: when the target is unknown or a part is empty or holds ``@``.
        """
        get_target(self.target)
        for part in (self.level, self.environment):
            if not part or '@' in part or not part.isprintable() or len(part) > 200:
                raise OscError(f'{part!r} is no level or environment: give printable text without "@"')

    @property
    def definition(self) -> Target:
        """Return the target of the column."""
        return get_target(self.target)

    def __str__(self) -> str:
        """Return the written form."""
        suffix = '' if self.environment == GAS else f'@{self.environment}'
        return f'{self.target}@{self.level}{suffix}'

    @classmethod
    def parse(cls, text: str) -> 'Column':
        """Return the column written as ``text``.

        :raises OscError: when the text is not ``target@level[@environment]``.
        """
        parts = text.split('@')
        if len(parts) not in (2, 3):
            raise OscError(f'{text!r} is no column: write target@level or target@level@environment')
        return cls(*parts)
