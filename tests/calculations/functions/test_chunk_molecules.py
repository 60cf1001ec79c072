"""Tests of the calcfunction that deals molecules into jobs."""

import numpy as np
from aiida.orm import Dict, Int

from aiida_osc.calculations.functions.chunk_molecules import chunk_molecules
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.qc.scheme import FourPointSettings


def test_chunk_molecules():
    table = MoleculeTable(('C', 'CC', 'CCC'), ('A', 'B', 'C'), ('test',) * 3)

    outputs, node = chunk_molecules.run_get_node(MoleculeSetData(table), Int(2), Dict({}))

    assert node.is_finished_ok
    assert sorted(outputs) == ['chunk_000', 'chunk_001']
    assert [outputs[name].load().inchikeys for name in sorted(outputs)] == [('C',), ('B', 'A')]
    assert chunk_molecules.__doc__.startswith('Deal molecules')


def test_molecules_with_labels_are_left_out():
    table = MoleculeTable(('C', 'CC', 'CCC'), ('A', 'B', 'C'), ('test',) * 3)
    columns = {column: np.array([-1.0]) for column in FourPointSettings().required_columns}
    known = MoleculeSetData(MoleculeTable(('CC',), ('B',), ('test',), columns))

    outputs = chunk_molecules(MoleculeSetData(table), Int(2), Dict({}), known_000=known)

    assert [node.load().inchikeys for node in outputs.values()] == [('C', 'A')]
