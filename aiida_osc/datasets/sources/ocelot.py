"""The OCELOT chromophores: redox energies of some 25,000 conjugated molecules."""

from collections.abc import Mapping

import numpy as np

from aiida_osc.datasets.sources.source import UNVERIFIED, Source
from aiida_osc.errors import OscError

AFFINITIES = ('vea', 'aea')
#: What the columns without a target of ours are.
LEFT_OUT = {
    's0s1': 'an excitation energy: lowest singlet',
    's0t1': 'an excitation energy: lowest triplet',
    'cr1': 'one of the two relaxation energies whose sum is hr',
    'cr2': 'one of the two relaxation energies whose sum is hr',
    'ar1': 'one of the two relaxation energies whose sum is er',
    'ar2': 'one of the two relaxation energies whose sum is er',
}


def affinity_signs(numbers: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return 1 for an electron affinity E(neutral) - E(anion), -1 for E(anion) - E(neutral).

    Both are in use. An affinity is close to minus the energy of the lowest unoccupied orbital, so the product of the
    two tells which one the file has.

    :param numbers: of the columns, in eV; each of shape ``(rows,)``.
    :raises OscError: when there is no row with both.
    """
    signs = {}
    for name in AFFINITIES:
        product = float(np.nansum(numbers[name] * numbers['lumo']))
        if product == 0 and np.isfinite(numbers[name]).any():
            raise OscError(f'no row has both {name} and lumo, so the sign of {name} is not known: give the whole set')
        signs[name] = -1.0 if product > 0 else 1.0
    return signs


SOURCE = Source(
    name='ocelot',
    title='OCELOT chromophores v1 (ocelot_chromophore_v1.csv)',
    citation='Bhat et al., Chem. Sci. 14, 203 (2023)',
    doi='10.1039/D2SC04676H',
    licence=UNVERIFIED,
    url='https://data.materialsdatafacility.org/mdf_open/ocelot_chromophore_v1_v1.1',
    columns={
        'homo': 'homo:eV',
        'lumo': 'lumo:eV',
        'hl': 'gap:eV',
        'vie': 'ie_vertical:eV',
        'aie': 'ie_adiabatic:eV',
        'vea': 'ea_vertical:eV',
        'aea': 'ea_adiabatic:eV',
        'hr': 'lambda_hole:eV',
        'er': 'lambda_electron:eV',
    },
    left_out=LEFT_OUT,
    identifiers=('identifier',),
    level='DFT[OCELOT chromophores v1]',
    signs=affinity_signs,
    notes='The functional and basis are those of the article, not verified here: say them with --level. The sign of '
    'vea and aea is read from the numbers.',
)
