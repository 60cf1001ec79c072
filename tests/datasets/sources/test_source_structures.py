"""Structures of the known data sets that have them."""

import tarfile

import numpy as np
import pytest

from aiida_osc.datasets.geometry_sources import collect_structures
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.sources.registry import get_source
from aiida_osc.errors import OscError

#: Distance of hydrogen and oxygen in QM9 index 3, water (Ramakrishnan 2014), in Angstrom.
OH = 0.962


def collect(name, path, sample=None, seed=0):
    source = get_source(name)
    return collect_structures(source.structures(path, sample, seed), level=source.geometry_level, source=name)


@pytest.mark.parametrize('name', ['da_dimers', 'oe62'])
def test_structures_lie_in_the_order_of_their_smiles(own_file, name):
    found = collect(name, own_file(name))
    assert found.molecules.smiles == ('C', 'O')
    assert found.rejected == ()
    assert found.geometries.level == get_source(name).geometry_level
    water = found.geometries.geometries[1]
    np.testing.assert_array_equal(water.numbers, [8, 1, 1])
    np.testing.assert_allclose(np.linalg.norm(water.positions[1:] - water.positions[0], axis=1), OH, atol=1e-3)
    assert len(collect(name, own_file(name), sample=1).molecules) == 1


def test_dimers_from_an_archive(own_file):
    folder = own_file('da_dimers')
    with tarfile.open(folder / 'structures_xyz.tar.gz', 'w:gz') as archive:
        archive.add(folder / 'structures', arcname='structures')
    for path in (folder / 'structures').iterdir():
        path.unlink()
    assert collect('da_dimers', folder / 'dimers.csv').molecules.smiles == ('C', 'O')


def test_dimers_that_are_not_there(own_file):
    folder = own_file('da_dimers')
    (folder / 'structures' / 'two.xyz').unlink()
    with pytest.raises(OscError, match=r"has no structure 'two.xyz': put the \*.xyz"):
        collect('da_dimers', folder)
    (folder / 'bad.tar.gz').write_bytes(b'no archive')
    with pytest.raises(OscError, match=r'bad.tar.gz is no archive'):
        collect('da_dimers', folder)
    (folder / 'other.csv').write_text('smiles\nC\n')
    with pytest.raises(OscError, match=r'holds 2 \*.csv files'):
        collect('da_dimers', folder)


def test_a_structure_of_another_molecule_is_left_out(own_file):
    path = own_file('oe62')
    path.write_text(path.read_text().replace('"C\\n"', '"CC"'))
    found = collect('oe62', path)
    assert found.molecules.smiles == ('O',)
    assert found.rejected[0][0] == 'METHAN'


def test_a_folder_of_the_user(own_file):
    folder = own_file('da_dimers') / 'structures'
    (folder / 'names.csv').write_text('file,smiles,homo_eV\none.xyz,C,-9.5\ntwo.xyz,O,-7.5\n')
    result = read_table(folder, source_name='xyz_folder', level='PBE')
    assert result.table.coverage() == {'homo@PBE': 2}
    assert collect('xyz_folder', folder).molecules.smiles == result.table.smiles
    (folder / 'names.csv').write_text('smiles\nC\n')
    with pytest.raises(OscError, match="no column 'file'"):
        read_table(folder, source_name='xyz_folder')


@pytest.mark.parametrize('name', ['da_dimers', 'oe62', 'xyz_folder'])
def test_structures_need_their_files(name):
    with pytest.raises(OscError, match=f'source {name} needs'):
        list(get_source(name).structures(None, None, 0))
