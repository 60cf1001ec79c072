"""Levels of theory as strings ``energy//geometry``; two levels never share a column."""

from aiida_osc.datasets.columns import Column
from aiida_osc.qc.calculation import Model

#: Orbital energies, reorganisation energies and dipole of the batch job's xTB engine (doi 10.1021/acs.jctc.8b01176).
GFN2 = 'GFN2-xTB//GFN2-xTB'

#: Shift that the xtb program subtracts from IPEA1 ionisation energies and electron affinities, in eV.
IPEA1_SHIFT = 4.8455

#: Ionisation energies and electron affinities: IPEA1-xTB (doi 10.1039/C7SC00601B), shift in the name.
IPEA1 = f'IPEA1-xTB[shift={IPEA1_SHIFT}]//GFN2-xTB'

#: Computed from the graph alone (doi 10.1186/1758-2946-1-8).
SA_SCORE = 'Ertl-Schuffenhauer'

#: Level of each column that the xTB engine of the four-point batch job writes.
XTB_LEVELS: dict[str, str] = {
    'homo': GFN2,
    'lumo': GFN2,
    'gap': GFN2,
    'ie_vertical': IPEA1,
    'ie_adiabatic': IPEA1,
    'ea_vertical': IPEA1,
    'ea_adiabatic': IPEA1,
    'lambda_hole': GFN2,
    'lambda_electron': GFN2,
    'dipole': GFN2,
    'polarizability': GFN2,
}

#: Geometries of the xTB engine, at which DFT energies may be computed.
XTB_GEOMETRY = 'GFN2-xTB'


def fourpoint_columns(energy: Model | None, geometry: Model | str = XTB_GEOMETRY) -> dict[str, Column]:
    """Return the column of each target that a four-point scheme fills.

    :param energy: level of the energies, None for xTB with its levels of :data:`XTB_LEVELS`.
    :param geometry: level of the geometries; :data:`XTB_GEOMETRY` or a model.
    """
    if energy is None:
        return {target: Column(target, level) for target, level in XTB_LEVELS.items()}
    where = geometry if isinstance(geometry, str) else geometry.name
    level = f'{energy.name}//{where}'
    return {target: Column(target, level, energy.environment) for target in XTB_LEVELS}


def parse_level(text: str, epsilon: float = 0.0) -> tuple[Model, Model | str]:
    """Return the levels of energies and geometries that are written as ``energy//geometry``.

    :param text: such as ``B3LYP-D3BJ/def2-SVP//GFN2-xTB``; without ``//`` both are the same.
    :param epsilon: dielectric constant of the solvent of the energies, 0 for the gas phase; geometries are gas phase.
    :raises OscError: when a part is no known level.
    """
    energy, _, geometry = text.partition('//')
    if geometry == XTB_GEOMETRY:
        return Model.parse(energy, epsilon), XTB_GEOMETRY
    return Model.parse(energy, epsilon), Model.parse(geometry or energy)
