"""Drawings are one SVG element that scales, and never anything else."""

from xml.etree import ElementTree

import pytest

from aiida_osc.report.drawing import molecule_svg


@pytest.mark.parametrize('smiles', ['c1ccsc1', 'N#Cc1ccc(C#N)cc1', 'c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1'])
def test_a_molecule_is_drawn(smiles):
    root = ElementTree.fromstring(molecule_svg(smiles))
    assert root.tag.endswith('svg')
    assert root.get('viewBox') == '0 0 260 150'
    assert len(root.findall('.//{http://www.w3.org/2000/svg}path')) > 4


@pytest.mark.parametrize('text', ['', 'not a molecule', '<script>', 'C\nC'])
def test_other_text_is_not(text):
    assert molecule_svg(text) is None
