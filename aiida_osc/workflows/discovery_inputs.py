"""What the discovery loop checks of its inputs before it starts."""

from collections.abc import Callable
from typing import Any

from aiida.orm import Dict

from aiida_osc.active_learning.refresh import RefreshSettings
from aiida_osc.active_learning.settings import Budget, SelectionSettings, promotion_rules
from aiida_osc.data.model import ModelData
from aiida_osc.diffusion.geometries import GeometrySettings
from aiida_osc.diffusion.molecules.settings import SampleSettings
from aiida_osc.errors import OscError
from aiida_osc.generator import sample_settings
from aiida_osc.generator.filters import MoleculeFilter

MINIMUM_LABELS = 20


def validate_budget(node: Dict, _) -> str | None:
    """Return why the budget is unusable, None when it is fine."""
    return _problem(Budget.from_dict, node)


def validate_diffusion(node: ModelData, _) -> str | None:
    """Return why the model cannot make structures, None when it can."""
    try:
        artifact = node.artifact()
    except OscError as exception:
        return str(exception)
    if artifact.kind != 'diffusion' or artifact.config['architecture'].get('signal') != 'molecules':
        return 'this model makes no structures: give a diffusion model of molecules, or none'
    return None


def validate_generator(node: ModelData, _) -> str | None:
    """Return why the model cannot propose molecules, None when it can."""
    try:
        node.artifact().require('jtvae')
    except OscError as exception:
        return str(exception)
    return None


def validate_geometries(node: Dict, _) -> str | None:
    """Return why the settings of start structures are unusable, None when they are fine."""
    try:
        SampleSettings.from_dict(GeometrySettings.from_dict(node.get_dict()).sampling)
    except OscError as exception:
        return str(exception)
    return None


def validate_refresh(node: Dict, _) -> str | None:
    """Return why the schedule of the generator's later trainings is unusable, None when it is fine."""
    return _problem(RefreshSettings.from_dict, node)


def validate_generation(node: Dict, _) -> str | None:
    """Return why the settings of sampling are unusable, None when they are fine."""
    return _problem(lambda values: MoleculeFilter(sample_settings.SampleSettings.from_dict(values)), node)


def _problem(check: Callable[[dict[str, Any]], Any], node: Dict) -> str | None:
    try:
        check(node.get_dict())
    except OscError as exception:
        return str(exception)
    return None


def passed_gate(model: ModelData) -> bool:
    """Return whether the structures of a model were measured and found good enough to start calculations from."""
    return (model.base.attributes.get('metrics').get('gate') or {}).get('passed') is True


def validate_inputs(inputs: dict, _) -> str | None:
    """Return why the inputs do not fit together, None when they do."""
    if 'molecules' not in inputs or not {'selection', 'promotion'} <= set(inputs.get('settings', {})):
        return None
    try:
        families = SelectionSettings.from_dict(inputs['settings']['selection'].get_dict()).families()
        promotion_rules(inputs['settings']['promotion'].get_dict())
    except OscError as exception:
        return str(exception)
    surrogate = inputs['settings']['surrogate'].get_dict() if 'surrogate' in inputs['settings'] else {}
    if surrogate.get('spatial_members'):
        return 'proposed molecules have no structures before they are selected: leave out "spatial_members"'
    if surrogate.get('inputs'):
        return 'proposed molecules have no values of a cheaper level to start from: leave out "inputs" of the surrogate'
    needed = sorted({item.column for items in families.values() for item in items if item.column.target != 'sa_score'})
    columns = inputs['molecules'].base.attributes.get('columns')
    counts = {str(column): columns.get(str(column), {}).get('labels', 0) for column in needed}
    poor = [f'{name} ({count})' for name, count in counts.items() if count < MINIMUM_LABELS]
    if poor:
        return (
            f'fewer than {MINIMUM_LABELS} labels for {", ".join(poor)}: '
            'compute them first with "aiida-osc compute", or import a labelled set'
        )
    return None
