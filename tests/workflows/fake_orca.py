"""A stand-in for the ``orca`` program: it reads the real input, refuses what ORCA would refuse, replays a real output.

``fake_orca.py RECORDINGS SCENARIO INPUT``: RECORDINGS are folders, joined by colons, of outputs ``.out`` or ``.log``;
SCENARIO is ``good`` or the name of a failure that the input can avoid:

- ``scf``: the SCF converges only with SlowConv;
- ``memory``: each process needs 1,200 MB of ``%maxcore``;
- ``slow``: the optimisation is cut after its first cycle unless orbitals of another run are read;
- ``spoilt``: orbitals of another run make it crash.

What the manual of ORCA 6 says about an input is checked before anything is replayed. Nothing is made up: where no
recorded output is of the same molecule, level, solvent and kind of run, it says so and ends with status 3.
"""

import re
import sys
from collections import Counter
from pathlib import Path

SIMPLE = {
    *('hf', 'rhf', 'uhf', 'rks', 'uks', 'pbe', 'blyp', 'bp86', 'r2scan', 'b3lyp', 'b3lyp/g', 'pbe0', 'm062x'),
    *('cam-b3lyp', 'wb97x-d3bj', 'wb97x-v', 'sto-3g', '3-21g', '6-31g*', '6-31+g*', '6-311g**', 'cc-pvdz', 'cc-pvtz'),
    *('aug-cc-pvdz', 'def2-svp', 'def2-svpd', 'def2-tzvp', 'def2-tzvpd', 'def2-tzvpp', 'def2-qzvp', 'def2/j', 'ri'),
    *('rijcosx', 'd3bj', 'd4', 'cpcm', 'tightscf', 'slowconv', 'veryslowconv', 'kdiis', 'soscf', 'opt', 'looseopt'),
    *('freq', 'numfreq', 'engrad', 'sp'),
}
BLOCK_WORDS = {
    'pal': {'nprocs'},
    'scf': {'maxiter', 'shift', 'soscfstart', 'guess', 'moinp', 'directresetfreq'},
    'geom': {'maxiter'},
    'cpcm': {'epsilon'},
    'elprop': {'polar'},
}
GUESSES = {'pmodel', 'patom', 'hueckel', 'hcore', 'moread'}
#: Basis, solvent and job of the outputs are compared; the functional only as far as its family.
ELECTRONS = {'H': 1, 'C': 6, 'N': 7, 'O': 8, 'S': 16}
BANNER = '\n * O   R   C   A *\n\n   Program Version 6.0.1  -   RELEASE  -\n\n'
ABORT = '[file orca_tools/qcmsg.cpp, line 394]: \n  .... aborting the run\n'


class Refused(Exception):
    """The input is one that ORCA does not run."""


def read_input(text):
    """Return keywords, blocks, maxcore and the line of coordinates.

    :raises Refused: with the message of ORCA.
    """
    words, blocks, maxcore, coordinates, block = [], {}, None, None, None
    for line in (line.split('#')[0].strip() for line in text.splitlines()):
        small = line.lower()
        if not line:
            continue
        if block is not None and small == 'end':
            block = None
        elif block is not None:
            name = small.split()[0]
            if name not in BLOCK_WORDS[block]:
                raise Refused(f'INPUT ERROR\n  Unknown identifier in {block.upper()} block: {name}')
            blocks[block][name] = line.split(maxsplit=1)[1]
        elif line.startswith('!'):
            words += line[1:].split()
        elif small.startswith('%maxcore'):
            maxcore = int(small.split()[1])
        elif line.startswith('%'):
            block = small[1:].strip()
            if block not in BLOCK_WORDS:
                raise Refused(f'INPUT ERROR\n  Unknown identifier: {block}')
            blocks[block] = {}
        elif line.startswith('*'):
            coordinates = line
        else:
            raise Refused("INPUT ERROR\n  ERROR: expect a '$', '!', '%', '*' or '[' in the input")
    if block is not None:
        raise Refused(f'INPUT ERROR\n  block {block} is not closed')
    unknown = [word for word in words if word.lower() not in SIMPLE]
    if unknown or len(set(words)) < len(words):
        raise Refused(f'INPUT ERROR\nUNRECOGNIZED OR DUPLICATED KEYWORD(S) IN SIMPLE INPUT LINE\n  {unknown}')
    return [word.lower() for word in words], blocks, maxcore, coordinates


def read_molecule(coordinates):
    """Return the symbols of the file of coordinates, charge and multiplicity.

    :raises Refused: with the message of ORCA.
    """
    found = re.fullmatch(r'\* xyzfile (-?\d+) (\d+) (\S+)', coordinates or '')
    if not found:
        raise Refused('INPUT ERROR\n  You must have a [COORDS] ... [END] block in your input')
    if not Path(found.group(3)).is_file():
        raise Refused('ERROR: XYZ File reading requested but the structure file does not exist')
    lines = Path(found.group(3)).read_text().splitlines()
    rows = [line.split() for line in lines[2 : 2 + int(lines[0])]]
    assert all(len(row) == 4 and [float(value) for value in row[1:]] for row in rows)
    symbols, charge, multiplicity = [row[0] for row in rows], int(found.group(1)), int(found.group(2))
    electrons = sum(ELECTRONS[symbol] for symbol in symbols) - charge
    if (electrons + multiplicity) % 2 == 0 or multiplicity > electrons + 1:
        parity = 'even' if electrons % 2 == 0 else 'odd'
        numbers = f'multiplicity ({multiplicity}) is {parity} and number of electrons ({electrons}) is {parity}'
        raise Refused(f'Error : {numbers} -> impossible')
    return symbols, charge, multiplicity


def describe(words, blocks):
    """Return what a recorded output must share: basis, family of the method, solvent, kind of run."""
    basis = next((word for word in words if re.search(r'^(sto|3-21|6-31|cc-p|aug|def2-)', word)), '')
    method = next((word for word in words if re.match(r'(b3lyp|pbe|blyp|bp86|r2scan|m06|cam|wb97)', word)), 'hf')
    kind = 'opt' if {'opt', 'looseopt'} & set(words) else 'freq' if {'freq', 'numfreq'} & set(words) else 'sp'
    epsilon = blocks.get('cpcm', {}).get('epsilon') if 'cpcm' in words else None
    return basis, method.split('/')[0], float(epsilon) if epsilon else None, kind, 'elprop' in blocks


def describe_output(text):
    """Return the same of a recorded output, from the echo of its input."""
    echo = '\n'.join(re.findall(r'^\|\s*\d+>(.*)$', text, re.MULTILINE))
    words = [word.lower() for line in re.findall(r'^\s*!(.*)$', echo, re.MULTILINE) for word in line.split()]
    epsilon = re.search(r'epsilon\s+([\d.]+)', echo, re.IGNORECASE)
    blocks = {'elprop': {}} if '%elprop' in echo.lower() else {}
    if epsilon and 'cpcm' in words:
        blocks['cpcm'] = {'epsilon': epsilon.group(1)}
    atoms = re.search(r'^CARTESIAN COORDINATES \(A\.U\.\)\n-+\n.*\n((?: +\d+ [A-Z][a-z]? .*\n)+)', text, re.MULTILINE)
    symbols = [line.split()[1] for line in atoms.group(1).splitlines()] if atoms else []
    charge = re.search(r'^\s*\*\s*xyz(?:file)?\s+(-?\d+)\s+(\d+)', echo, re.MULTILINE)
    return describe(words, blocks), symbols, tuple(map(int, charge.groups())) if charge else None


def find_recording(folders, wanted, symbols, charge):
    """Return the text of the recorded output that fits, None where none does."""
    for path in sorted(path for folder in folders for path in Path(folder).glob('*.[ol]*')):
        text = path.read_text(errors='replace')
        kind, theirs, their_charge = describe_output(text)
        if kind == wanted and Counter(theirs) == Counter(symbols) and their_charge == charge:
            return text
    return None


def fail(scenario, words, maxcore, reads_orbitals, recording):
    """Return the output of the failure that the scenario asks for, None where the input avoids it."""
    head = recording[: recording.index('SCF CONVERGED AFTER')].rsplit('\n', 1)[0]
    if scenario == 'scf' and 'slowconv' not in words:
        stars = '               *****************************************************\n'
        return f'{head}\n{stars}               *     SCF NOT CONVERGED AFTER 125 CYCLES            *\n{stars}{ABORT}'
    if scenario == 'memory' and (maxcore or 0) < 1200:
        wanted = 'Please increase MaxCore to more than: 1200 MB'
        return f'{head}\nError  (ORCA_SCF): Not enough memory available!\n{wanted}\n{ABORT}'
    if scenario == 'slow' and not reads_orbitals:
        cycle = recording.index('GEOMETRY OPTIMIZATION CYCLE   2')
        return recording[: recording.index('FINAL SINGLE POINT', cycle)]
    if scenario == 'spoilt' and reads_orbitals:
        return f'{head}\nORCA finished by error termination in Startup\n{ABORT}'
    return None


def main(recordings, scenario, name):
    """Print the output and return the exit status."""
    sys.stdout.write(BANNER)
    try:
        words, blocks, maxcore, coordinates = read_input(Path(name).read_text())
        symbols, charge, multiplicity = read_molecule(coordinates)
        scf = blocks.get('scf', {})
        if scf.get('guess', 'pmodel').lower() not in GUESSES or int(blocks.get('pal', {}).get('nprocs', '1')) < 1:
            raise Refused('INPUT ERROR\n  Invalid assignment')
        if scf.get('guess', '').lower() == 'moread' and not Path(scf['moinp'].strip('"')).is_file():
            raise Refused(f'Cannot open input file: {scf["moinp"]}')
    except Refused as exception:
        sys.stdout.write(f'\n{exception}\n{ABORT}')
        return 1
    recording = find_recording(recordings.split(':'), describe(words, blocks), symbols, (charge, multiplicity))
    if recording is None:
        asked = (*describe(words, blocks), charge, multiplicity, dict(Counter(symbols)))
        sys.stderr.write(f'fake orca: no recorded output of {asked}\n')
        return 3
    Path(name).with_suffix('.gbw').write_bytes(b'orbitals')
    failure = fail(scenario, words, maxcore, 'moinp' in scf, recording)
    sys.stdout.write(failure or recording)
    return 1 if failure else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
