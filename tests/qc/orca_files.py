"""Where real outputs of ORCA lie, which are no part of the package, and short ones in the formats of all versions."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[2].parent / 'shared' / 'data'
OUTPUTS = DATA / 'qc_outputs'
ATOMS = DATA / 'pachqa' / 'orca_atoms'
needs_outputs = pytest.mark.skipif(not OUTPUTS.is_dir(), reason='the recorded outputs of ORCA are not here')
needs_atoms = pytest.mark.skipif(not ATOMS.is_dir(), reason='the recorded outputs of atoms are not here')


def read(path):
    return path.read_text(encoding='utf-8', errors='replace')


def short_output(
    *,
    version='6.1.0',
    keywords='B3LYP/G def2-SVP D3BJ',
    charge=0,
    multiplicity=1,
    steps=('-76.321',),
    middle='',
    end=True,
):
    """Return a short output of water in ORCA's print format.

    :param steps: final energies; more than one makes it an optimisation.
    :param middle: text between the last energy and the end.
    """
    moves = len(steps) > 1
    parts = [_HEAD.format(version=version, keywords=keywords, charge=charge, multiplicity=multiplicity)]
    for number, energy in enumerate(steps, start=1):
        if moves:
            parts.append(f'         *                GEOMETRY OPTIMIZATION CYCLE {number:3d}            *\n')
        parts.append(_COORDINATES.format(z=0.2 + 0.01 * number))
        parts.append(_SCF.format(charge=charge, multiplicity=multiplicity, energy=energy))
    parts.append(middle)
    if end:
        parts.append(_END)
    return ''.join(parts)


_HEAD = """
                                 *****************
                                 * O   R   C   A *
                                 *****************

                         Program Version {version} -  RELEASE  -

Your calculation utilizes the basis: def2-SVP
================================================================================
                                       INPUT FILE
================================================================================
NAME = aiida.inp
|  1> ! {keywords}
|  2> # ORCA TERMINATED NORMALLY is what it says in the end, INPUT ERROR what it says else
|  3> * xyzfile {charge} {multiplicity} aiida.coords.xyz
|  4>                          ****END OF INPUT****
================================================================================
"""
_COORDINATES = """
----------------------------
CARTESIAN COORDINATES (A.U.)
----------------------------
  NO LB      ZA    FRAG     MASS         X           Y           Z
   0 O     8.0000    0    15.999    0.000000    0.000000    {z:.6f}
   1 H     1.0000    0     1.008    0.000000    1.430000   -0.886000
   2 H     1.0000    0     1.008    0.000000   -1.430000   -0.886000

"""
_SCF = """
General Settings:
 Hartree-Fock type      HFTyp           .... RHF
 Total Charge           Charge          ....  {charge:3d}
 Multiplicity           Mult            ....  {multiplicity:3d}
 Number of Electrons    NEL             ....   10
 Basis Dimension        Dim             ....   24
 Nuclear Repulsion      ENuc            ....      9.1882584177 Eh

               *           SCF CONVERGED AFTER   8 CYCLES          *

----------------
TOTAL SCF ENERGY
----------------

Total Energy       :          {energy} Eh           -2076.79872 eV

Virial Ratio       :          2.00187471

-------------------------   --------------------
FINAL SINGLE POINT ENERGY       {energy}
-------------------------   --------------------

"""
_END = """
                             ****ORCA TERMINATED NORMALLY****
TOTAL RUN TIME: 0 days 0 hours 1 minutes 2 seconds 500 msec
"""
