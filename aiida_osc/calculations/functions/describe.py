"""Calcfunction: add columns that follow from graph or structure by a formula."""

from aiida.engine import ExitCode, calcfunction
from aiida.orm import Dict

from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.describe import DescribeSettings, describe_table
from aiida_osc.errors import OscError


@calcfunction
def describe(molecules: MoleculeSetData, settings: Dict, geometries: GeometrySetData | None = None) -> dict | ExitCode:
    """Add descriptors, synthetic accessibility and the surrogates of packing and miscibility to a molecule set.

    :param molecules: the molecules with the columns that they have.
    :param settings: keys of ``DescribeSettings``.
    :param geometries: structures of the neutral molecules, for the surrogate of packing.
    """
    structures = None if geometries is None else geometries.load()
    try:
        options = DescribeSettings.from_dict(settings.get_dict())
        table, report = describe_table(molecules.load(), options, structures)
    except OscError as exception:
        return ExitCode(210, f'the molecules cannot be described: {exception}')
    return {'molecules': MoleculeSetData(table), 'report': Dict(report)}
