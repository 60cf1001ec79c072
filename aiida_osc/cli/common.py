"""Options and helpers that the commands share."""

import re
import warnings
from pathlib import Path

import click

from aiida_osc.errors import OscError
from aiida_osc.shipped import resolve

profile_option = click.option('--profile', metavar='NAME', help='AiiDA profile; the default profile when not given.')
seed_option = click.option('--seed', type=int, default=0, show_default=True, help='Seed of all random numbers.')


class ModelName(click.ParamType):
    """A model by folder, node, or the name of one that comes with the package."""

    name = 'model'

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the folder of a shipped model, anything else as it is."""
        return resolve(value)


def load_osc_profile(name: str | None = None):
    """Load an AiiDA profile and return it.

    :raises OscError: when there is none of that name or none at all.
    """
    warnings.filterwarnings('ignore', message='Creating AiiDA configuration folder')
    from aiida import load_profile
    from aiida.common.exceptions import ConfigurationError, ProfileConfigurationError

    try:
        return load_profile(name, allow_switch=True)
    except (ConfigurationError, ProfileConfigurationError, ValueError) as exception:
        raise OscError(f'no usable AiiDA profile ({exception}); run: aiida-osc setup') from None


def require_daemon() -> None:
    """Return when the daemon of the loaded profile is running.

    :raises OscError: when it is not, or the profile has no broker, with the command that cures it.
    """
    from aiida.engine.daemon.client import DaemonException, DaemonStalePidException, get_daemon_client

    profile = load_osc_profile()
    if profile.process_control_backend is None:
        raise OscError(f'profile {profile.name!r} has no broker, so no daemon; make one that has with: aiida-osc setup')
    client = get_daemon_client()
    running = client.is_daemon_running
    if running:
        try:
            client.get_status()
        except DaemonStalePidException:
            running = False
        except DaemonException:
            pass  # busy: it answers late, and keeps what is submitted
    if not running:
        start = f'verdi -p {profile.name} daemon start 2'
        raise OscError(f'the daemon of profile {profile.name!r} is not running; start it with: {start}')


def load_osc_node(identifier: str, node_class: type):
    """Return the node with that pk, uuid or label.

    :raises OscError: when there is none or it is of another class.
    """
    from aiida.common.exceptions import MultipleObjectsError, NotExistent
    from aiida.orm import load_node

    try:
        node = load_node(identifier)
    except (NotExistent, MultipleObjectsError, ValueError) as exception:
        node = _newest_with_label(identifier, node_class)
        if node is None:
            raise OscError(f'no node {identifier!r}: {exception}') from None
    if not isinstance(node, node_class):
        raise OscError(f'node {identifier} is a {type(node).__name__}, not a {node_class.__name__}')
    return node


def _newest_with_label(label: str, node_class: type):
    from aiida.orm import QueryBuilder

    query = (
        QueryBuilder().append(node_class, filters={'label': label}, tag='node').order_by({'node': {'ctime': 'desc'}})
    )
    return query.first(flat=True)


def is_file(identifier: str) -> bool:
    """Return whether a FILE|NODE argument names a file or folder rather than a node."""
    if Path(identifier).exists():
        return True
    if re.search(r'[./\\]', identifier):
        raise OscError(f'file {identifier} does not exist')
    return False
