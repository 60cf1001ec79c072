"""Check of ``aiida-osc doctor --remote``: can the computers be reached, and do their schedulers answer."""

from aiida_osc.cli.findings import Finding
from aiida_osc.cli.remote_computer import look_around, open_transport
from aiida_osc.errors import OscError


def check_remote(profile) -> list[Finding]:
    """Connect to every computer that is not this machine; takes seconds for each."""
    from aiida.orm import Computer, QueryBuilder

    computers = QueryBuilder().append(Computer).all(flat=True)
    return [
        finding
        for computer in sorted(computers, key=lambda computer: computer.label)
        if computer.transport_type != 'core.local' and (finding := _check(profile, computer))
    ]


def _check(profile, computer) -> Finding | None:
    if not computer.is_configured:
        cure = f'verdi -p {profile.name} computer configure {computer.transport_type} {computer.label}'
        return Finding('warning', f'computer {computer.label} is not configured', cure)
    settings = computer.get_configuration()
    try:
        with open_transport(computer, settings) as transport:
            list(look_around(transport, computer))
    except OscError as exception:
        return Finding('error', str(exception), f'ssh {settings.get("host", computer.hostname)}')
    return None
