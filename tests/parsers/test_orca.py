"""Tests of the parser of ORCA's jobs: the verdict of shell and scheduler, the molecule, the files beside the output."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from aiida.common.links import LinkType
from aiida.orm import CalcJobNode, Dict, FolderData

from aiida_osc.calculations.structures import structure_from
from aiida_osc.parsers.orca import OrcaParser
from aiida_osc.qc.failures import FAILURES

sys.path.append(str(Path(__file__).parents[1] / 'qc'))
from orca_files import short_output

#: The first structure of the short output, from bohr.
WATER = np.array([[0, 0, 0.21], [0, 1.43, -0.886], [0, -1.43, -0.886]]) * 0.529177210544
HURRAY = '\n                    ***********************HURRAY********************\n'
IMAGINARY = (
    '\n-----------------------\nVIBRATIONAL FREQUENCIES\n-----------------------\n\n'
    '     6:    {value:.2f} cm**-1 ***imaginary mode***\n     7:    1595.12 cm**-1\n\n\n'
    '------------\nNORMAL MODES\n------------\n\n                  6          7\n'
    + ''.join(f'{row:7d}   0.100000   0.200000\n' for row in range(9))
    + '\n\n'
)


@pytest.fixture
def parse(aiida_localhost):
    """Return a function that parses a job with these retrieved files and returns outputs and exit code."""

    def factory(text, *, symbols=('O', 'H', 'H'), charge=0, multiplicity=1, exit_status=None, **files):
        node = CalcJobNode(computer=aiida_localhost, process_type='aiida.calculations:orca.orca')
        node.set_option('resources', {'num_machines': 1})
        node.set_option('scheduler_stderr', '_scheduler-stderr.txt')
        inputs = {
            'structure': structure_from(symbols, WATER),
            'parameters': Dict({'charge': charge, 'multiplicity': multiplicity}),
        }
        for label, value in inputs.items():
            node.base.links.add_incoming(value.store(), LinkType.INPUT_CALC, label)
        node.store()
        if exit_status is not None:
            node.set_exit_status(exit_status)
        retrieved = FolderData()
        names = {'status': 'job.status', 'stderr': '_scheduler-stderr.txt', 'properties': 'aiida.property.json'}
        for name, content in {'aiida.out': text, **{names.get(key, key): files[key] for key in files}}.items():
            if content is not None:
                retrieved.base.repository.put_object_from_bytes(
                    content if isinstance(content, bytes) else content.encode(), name
                )
        retrieved.base.links.add_incoming(node, LinkType.CREATE, 'retrieved')
        retrieved.store()
        parser = OrcaParser(node)
        code = parser.parse()
        return parser.outputs, code, node

    return factory


def test_good_job(parse):
    outputs, code, node = parse(short_output(), status='0\n')

    assert code.status == 0
    assert outputs['output_parameters']['properties']['return_energy'] == -76.321
    assert 'relaxed_structure' not in outputs
    assert node.base.extras.get('_aiida_valid_cache', True) is True


@pytest.mark.parametrize(
    ('text', 'keywords', 'kind'),
    [
        ('', {'status': '127\n', 'stderr': 'bash: line 9: /opt/orca: No such file or directory\n'}, 'no_executable'),
        (None, {'status': '126\n', 'stderr': '/opt/orca: Permission denied\n'}, 'no_executable'),
        (None, {}, 'output_missing'),
        (short_output(end=False), {}, 'output_truncated'),
        (short_output(end=False), {'status': '137\n'}, 'out_of_memory'),
        (short_output(end=False), {'exit_status': 110}, 'out_of_memory'),
        (short_output(end=False), {'exit_status': 120}, 'out_of_walltime'),
        (
            short_output(end=False),
            {'stderr': 'slurmstepd: *** CANCELLED AT x DUE TO TIME LIMIT ***'},
            'out_of_walltime',
        ),
        (short_output(end=False), {'stderr': 'slurmstepd: Detected 1 oom-kill event(s)'}, 'out_of_memory'),
        (short_output(middle='\nINPUT ERROR\n', end=False), {'exit_status': 120}, 'input_refused'),
        (short_output(), {'charge': 1, 'multiplicity': 2}, 'wrong_molecule'),
        (short_output(), {'symbols': ('S', 'H', 'H')}, 'wrong_molecule'),
        (short_output(middle=IMAGINARY.format(value=-412.5)), {}, 'imaginary_mode'),
        (b'\xff\xfe\x00\x9f' * 500, {}, 'output_truncated'),
        (short_output().encode('utf-16')[: len(short_output())], {}, 'output_truncated'),
    ],
)
def test_failed_jobs(parse, text, keywords, kind):
    outputs, code, node = parse(text, **keywords)

    assert code.status == FAILURES[kind].status, code.message
    assert code.message.split('(')[0] == FAILURES[kind].message.split('(')[0]
    assert outputs['output_parameters']['success'] is False
    assert outputs['output_parameters']['error']['error_type'] == kind
    assert node.base.extras.get('_aiida_valid_cache') is False, 'a failed job is no cache'


def test_reason_of_the_shell(parse):
    _, code, _ = parse('', status='127\n', stderr='module: not found\nbash: /opt/orca: No such file or directory\n')
    assert '/opt/orca: No such file' in code.message


def test_small_imaginary_frequency_is_noise(parse):
    outputs, code, _ = parse(short_output(middle=IMAGINARY.format(value=-12.0)))
    assert code.status == 0
    assert outputs['output_parameters']['properties']['frequencies'][0] == -12.0


def test_structure_of_an_optimisation(parse):
    steps = ('-76.1', '-76.3')
    outputs, code, _ = parse(short_output(steps=steps, middle=HURRAY))
    assert code.status == 0
    assert outputs['relaxed_structure'].sites[0].position[2] == pytest.approx(0.22 * 0.529177210544)

    outputs, code, _ = parse(short_output(steps=steps))
    assert code.status == FAILURES['geometry_not_converged'].status
    assert 'relaxed_structure' in outputs, 'to go on from'

    outputs, code, _ = parse(short_output(steps=steps), symbols=('S', 'H', 'H'))
    assert code.status == FAILURES['wrong_molecule'].status
    assert 'relaxed_structure' not in outputs


def test_file_of_coordinates_has_more_digits(parse):
    exact = WATER.copy()
    exact[0, 2] = 0.22 * 0.529177210544 + 1.2345e-7
    rows = ''.join(f'{s} {x:.12f} {y:.12f} {z:.12f}\n' for s, (x, y, z) in zip('OHH', exact, strict=True))
    text = short_output(steps=('-76.1', '-76.3'), middle=HURRAY)

    outputs, _, _ = parse(text, **{'aiida.xyz': f'3\n\n{rows}'})
    assert outputs['relaxed_structure'].sites[0].position[2] == pytest.approx(exact[0, 2], abs=1e-11)

    outputs, _, _ = parse(text, **{'aiida.xyz': f'3\n\n{rows.replace("O 0.0", "O 9.0")}'})
    assert outputs['relaxed_structure'].sites[0].position[0] == 0, 'a file of another structure is left out'


@pytest.mark.parametrize('content', ['', '{', '[]', '{"Geometries": [[]]}', '[' * 100_000])
def test_odd_property_files(parse, content):
    assert parse(short_output(), properties=content)[1].status == 0


def test_property_file(parse):
    entry = {
        'Single_Point_Data': {'FinalEnergy': -76.321},
        'SCF_Dipole_Moment': [{'dipoleTotal': [0, 0, float('nan')]}],
    }
    outputs, code, _ = parse(short_output(), properties=json.dumps({'Geometries': [entry]}))
    assert code.status == 0
    assert 'scf_dipole_moment' not in outputs['output_parameters']['properties']


def test_odd_exit_status_of_a_good_output(parse):
    outputs, code, _ = parse(short_output(), status='1\n')
    assert code.status == 0
    assert 'exit status 1' in outputs['output_parameters']['warnings'][0]
