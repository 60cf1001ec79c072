"""Settings of an audit."""

from dataclasses import dataclass

from aiida_osc.errors import OscError
from aiida_osc.settings import Settings


@dataclass(frozen=True)
class AuditSettings(Settings):
    """What a user can choose.

    :param outlier: robust z-score, distance from the median in units of 1.4826 times the median distance, beyond which
        a value is an outlier.
    :param tolerance: eV by which a gap may differ from lumo - homo.
    :param relaxation: eV by which an adiabatic energy may lie on the wrong side of the vertical one; it may a little
        where the geometries are of another level than the energies.
    :param tautomers: look for tautomers among the duplicates.
    :param listed: molecules that are named of each kind of finding.
    """

    outlier: float = 6.0
    tolerance: float = 0.05
    relaxation: float = 0.1
    tautomers: bool = False
    listed: int = 20

    def __post_init__(self) -> None:
        """Check the values.

        :raises OscError: when one is out of range.
        """
        for name in ('outlier', 'tolerance', 'relaxation', 'listed'):
            if getattr(self, name) < 0:
                raise OscError(f'{name} is {getattr(self, name)}: give a positive number')
