"""The inputs of the discovery loop."""

from aiida.engine import WorkChain
from aiida.orm import Dict, Int

from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.workflows.discovery_inputs import (
    validate_budget,
    validate_diffusion,
    validate_generation,
    validate_generator,
    validate_geometries,
    validate_inputs,
    validate_refresh,
)
from aiida_osc.workflows.train_in_pieces import define_remote


def define_inputs(spec, label_class: type[WorkChain]) -> None:
    """Declare the inputs.

    :param label_class: the work chain that computes labels.
    """
    spec.input('molecules', valid_type=MoleculeSetData, help='Labelled molecules to start from.')
    spec.input('seed', valid_type=Int, help='Seed of all random numbers of the campaign.')
    spec.input('budget', valid_type=Dict, validator=validate_budget, help='When the loop ends.')
    spec.input('surrogate', valid_type=ModelData, required=False, help='Surrogate of the first iteration.')
    spec.input(
        'generator',
        valid_type=ModelData,
        required=False,
        validator=validate_generator,
        help='Generator of the first iteration, trained on by the later ones.',
    )
    spec.input(
        'diffusion',
        valid_type=ModelData,
        required=False,
        validator=validate_diffusion,
        help='Model that draws the start structures of calculations, when it has passed its gate.',
    )
    spec.input_namespace('training', required=False, help='Where surrogate and generator are trained.')
    define_remote(spec, 'training.')
    spec.input_namespace('settings', help='Settings of each step.')
    spec.input('settings.surrogate', valid_type=Dict, help='Training of the surrogate.')
    spec.input('settings.generator', valid_type=Dict, help='Training of the generator.')
    spec.input('settings.generation', valid_type=Dict, validator=validate_generation, help='Sampling of new molecules.')
    spec.input('settings.selection', valid_type=Dict, help='Objectives and size of the batch.')
    spec.input(
        'settings.refresh',
        valid_type=Dict,
        default=lambda: Dict({}),
        validator=validate_refresh,
        help='Schedule of the later trainings of the generator.',
    )
    spec.input(
        'settings.geometries',
        valid_type=Dict,
        default=lambda: Dict({}),
        validator=validate_geometries,
        help='Drawing of start structures.',
    )
    spec.input('settings.promotion', valid_type=Dict, help='Windows that a promoted candidate lies in.')
    spec.expose_inputs(
        label_class,
        namespace='label',
        exclude=('molecules', 'geometries', 'parents', 'metadata'),
        namespace_options={'help': 'How the selected molecules are computed.'},
    )
    spec.inputs.validator = validate_inputs
