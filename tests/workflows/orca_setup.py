"""A code that is the stand-in for ORCA, and molecules that its recorded outputs are of."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from aiida_osc.calculations.structures import structure_from

FAKE = Path(__file__).parent / 'fake_orca.py'
OUTPUTS = Path(__file__).parents[2].parent / 'shared' / 'data' / 'qc_outputs'
needs_outputs = pytest.mark.skipif(not OUTPUTS.is_dir(), reason='the recorded outputs of ORCA are not here')
#: Of the recorded water in a solvent, in Angstrom.
WATER = (('O', 'H', 'H'), np.array([[0, -0.119159, 0], [-0.790649, 0.476637, 0], [0.790649, 0.476637, 0]]))


def water():
    return structure_from(*WATER)


def divinylbenzene():
    """Return the start of the recorded optimisation."""
    lines = (OUTPUTS / 'orca6' / 'dvb_gopt.inp').read_text().split('* xyz 0 1\n')[1].split('*')[0].split('\n')
    rows = [line.split() for line in lines if line.strip()]
    return structure_from([row[0] for row in rows], np.array([row[1:] for row in rows], dtype=float))


def write_program(folder, recordings, scenario='good', *, converter=False):
    """Write ``orca`` (and ``orca_2json``) into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    found = ':'.join(str(path) for path in recordings)
    program = folder / 'orca'
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{FAKE}" "{found}" {scenario} "$@"\n')
    if converter:
        text = '{"Geometries": [{"Single_Point_Data": {"FinalEnergy": 1.0}}]}'
        (folder / 'orca_2json').write_text(f"#!/bin/sh\necho '{text}' > aiida.property.json\n")
        os.chmod(folder / 'orca_2json', 0o755)
    os.chmod(program, 0o755)
    return program
