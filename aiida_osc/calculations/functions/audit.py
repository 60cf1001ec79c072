"""Calcfunction: what molecule sets hold, lack and should not hold."""

from aiida.engine import ExitCode, calcfunction
from aiida.orm import Dict

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.audit.audit import audit_tables
from aiida_osc.datasets.audit.settings import AuditSettings
from aiida_osc.errors import OscError


@calcfunction
def audit(settings: Dict, **sets: MoleculeSetData) -> Dict | ExitCode:
    """Return coverage, duplicates, outliers, impossible values and overlaps of molecule sets as one node.

    :param settings: keys of ``AuditSettings``.
    :param sets: molecule sets by name.
    """
    try:
        tables = {name: sets[name].load() for name in sorted(sets)}
        return Dict(audit_tables(tables, AuditSettings.from_dict(settings.get_dict())).to_dict())
    except OscError as exception:
        return ExitCode(210, f'the sets cannot be audited: {exception}')
