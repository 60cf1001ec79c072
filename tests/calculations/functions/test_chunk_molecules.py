"""Tests of the calcfunction that deals molecules into jobs."""

from aiida.orm import Int

from aiida_osc.calculations.functions.chunk_molecules import chunk_molecules
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable


def test_chunk_molecules():
    table = MoleculeTable(('C', 'CC', 'CCC'), ('A', 'B', 'C'), ('test',) * 3)

    outputs, node = chunk_molecules.run_get_node(MoleculeSetData(table), Int(2))

    assert node.is_finished_ok
    assert sorted(outputs) == ['chunk_000', 'chunk_001']
    assert [outputs[name].load().inchikeys for name in sorted(outputs)] == [('C',), ('B', 'A')]
    assert chunk_molecules.__doc__.startswith('Deal molecules')
