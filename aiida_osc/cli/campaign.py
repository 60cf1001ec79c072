"""From a campaign file to a submitted :class:`DiscoveryWorkChain`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aiida_osc.active_learning.settings import Budget, SelectionSettings, promotion_rules
from aiida_osc.diffusion.geometries import GeometrySettings
from aiida_osc.diffusion.molecules.settings import SampleSettings
from aiida_osc.errors import OscError
from aiida_osc.qc.scheme import PROGRAM_ENGINES, FourPointSettings
from aiida_osc.settings import Settings
from aiida_osc.shipped import resolve
from aiida_osc.workflows.protocols import load_protocol

#: Names the shipped seed set, unless a node has that label.
SEED = 'seed'


@dataclass(frozen=True)
class Campaign(Settings):
    """What a campaign file says.

    :param label: name of the campaign, shown everywhere.
    :param molecules: ``seed``, a CSV, SMILES, SDF or HDF5 file, or the pk, uuid or label of a molecule set.
    :param code: label of the code of the labelling engine.
    :param xtb_code: label of the code that makes start geometries, for the engines psi4, orca and gaussian.
    :param generator: ``generator``, or the folder, pk, uuid or label of another model that proposes the first
        molecules; empty to train one on ``molecules``.
    :param diffusion: ``conformers``, or the folder, pk, uuid or label of another model that draws start structures;
        empty to embed them.
    :param training_code: label of the code ``aiida-osc`` that trains the models; empty to train in the daemon.
    :param training_options: ``metadata.options`` of its jobs.
    :param cores: cores of each labelling job.
    :param overrides: values in place of the protocol's.
    """

    label: str
    molecules: str | int = SEED
    protocol: str = 'balanced'
    seed: int = 0
    code: str = 'tblite'
    xtb_code: str = 'tblite'
    generator: str | int = ''
    diffusion: str | int = ''
    training_code: str = ''
    training_options: dict[str, Any] = field(default_factory=dict)
    cores: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """Return the engine of the labels."""
        return str(self.overrides.get('label', {}).get('parameters', {}).get('engine', 'tblite'))

    def resolved(self) -> dict[str, Any]:
        """Return the campaign with every default written out.

        :raises OscError: when the protocol or a key of the overrides is unknown.
        """
        return {**self.to_dict(), 'overrides': load_protocol('discovery', self.protocol, self.overrides)}


def read_campaign(path: str | Path) -> Campaign:
    """Return the campaign in the YAML file ``path``, checked.

    :raises OscError: when the file is no campaign.
    """
    try:
        values = yaml.safe_load(Path(path).read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as exception:
        raise OscError(f'{path} is no YAML file: {exception}') from None
    if not isinstance(values, dict) or not isinstance(values.get('label'), str):
        raise OscError(f'{path} is no campaign: give at least "label: NAME"; see examples/campaign.yaml')
    campaign = Campaign.from_dict(values)
    filled = campaign.resolved()['overrides']
    Budget.from_dict(filled['budget'])
    SelectionSettings.from_dict(filled['selection']).families()
    promotion_rules(filled['promotion'])
    FourPointSettings.from_dict(filled['label']['parameters'])
    SampleSettings.from_dict(GeometrySettings.from_dict(filled['geometries']).sampling)
    return campaign


def submit_campaign(campaign: Campaign):
    """Submit ``campaign`` to the daemon and return its node.

    :raises OscError: when the daemon is not running, a campaign of that label is, or the inputs do not fit.
    """
    from aiida.engine import submit
    from aiida.orm import Dict

    from aiida_osc.cli.common import require_daemon
    from aiida_osc.cli.labelling import find_code
    from aiida_osc.workflows.discovery import DiscoveryWorkChain

    require_daemon()
    _refuse_twin(campaign.label)
    code = find_code(campaign.code)
    builder = DiscoveryWorkChain.get_builder_from_protocol(
        code,
        _molecules(campaign.molecules),
        campaign.protocol,
        campaign.overrides,
        campaign.seed,
        {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': campaign.cores}} if campaign.cores else None,
        find_code(campaign.xtb_code) if campaign.engine in PROGRAM_ENGINES else None,
        _model(campaign.diffusion),
        _model(campaign.generator),
    )
    builder.metadata.label = campaign.label
    if campaign.training_code:
        builder.training = {'code': find_code(campaign.training_code), 'options': Dict(campaign.training_options)}
    try:
        return submit(builder)
    except ValueError as exception:
        raise OscError(f'the campaign cannot start: {exception}') from None


def _refuse_twin(label: str) -> None:
    from aiida.orm import QueryBuilder, WorkChainNode

    filters = {
        'label': label,
        'process_type': 'aiida.workflows:osc.discovery',
        'attributes.process_state': {'in': ['created', 'running', 'waiting']},
    }
    twin = QueryBuilder().append(WorkChainNode, filters=filters).first(flat=True)
    if twin is not None:
        raise OscError(
            f'a campaign {label!r} is still running (pk {twin.pk}): give another label, '
            f'or end it with "verdi process kill {twin.pk}"'
        )


def _model(identifier: str | int):
    """Return the node of the model that ``identifier`` names, None for an empty one."""
    from aiida_osc.cli.training import find_model

    return find_model(resolve(str(identifier))) if identifier != '' else None


def _molecules(identifier: str | int):
    """Return the molecule set that ``identifier`` names; files, and the seed set at first use, are imported."""
    from aiida_osc.cli.common import is_file, load_osc_node
    from aiida_osc.cli.importing import import_as_node
    from aiida_osc.data.molecule_set import MoleculeSetData

    text = str(identifier)
    if is_file(text):
        return import_as_node(path=text)
    try:
        return load_osc_node(text, MoleculeSetData)
    except OscError:
        if text == SEED:
            return import_as_node(source=SEED)
        raise
