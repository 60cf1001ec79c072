"""What a check of ``aiida-osc doctor`` can find."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that a check saw.

    :ivar severity: ``error`` stops work, ``warning`` will hurt, ``note`` is only said.
    :ivar text: the finding, one line.
    :ivar cure: the command that cures it.
    :ivar fix: applies the cure; None when only the user can.
    """

    severity: str
    text: str
    cure: str = ''
    fix: Callable[[], object] | None = None

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f'{self.severity}: {self.text}' + (f' -> {self.cure}' if self.cure else '')

    @property
    def is_wrong(self) -> bool:
        """Return whether the installation is less than well because of this."""
        return self.severity != 'note'
