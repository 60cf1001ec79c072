import numpy as np
import pytest

from aiida_osc.calculations.functions.merge import merge
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable

HOMO = Column('homo', 'PBE')
pytestmark = pytest.mark.usefixtures('aiida_profile')


def node(keys, source, homo):
    smiles = tuple('C' * (1 + 'ABC'.index(key)) for key in keys)
    return MoleculeSetData(MoleculeTable(smiles, tuple(keys), (source,) * len(keys), {HOMO: np.array(homo)}))


def test_sets_are_united_in_the_order_of_their_names():
    outputs, process = merge.run_get_node(
        set_001=node('CB', 'late', [-7.0, -9.0]), set_000=node('AB', 'early', [-5.0, -6.0])
    )
    table = outputs['molecules'].load()
    assert table.inchikeys == ('A', 'B', 'C')
    assert table.source == ('early', 'early', 'late')
    np.testing.assert_array_equal(table.values(HOMO), [-5, -6, -7])
    report = outputs['report'].get_dict()
    assert report['added'] == {'set_000': 2, 'set_001': 1}
    assert report['conflicts'] == [
        {
            'inchikey': 'B', 'column': 'homo@PBE', 'kept': -6.0, 'dropped': -9.0,
            'kept_origin': 'early', 'dropped_origin': 'late', 'table': 'set_001',
        }
    ]  # fmt: skip
    assert {link.link_label for link in process.base.links.get_incoming().all()} == {'set_000', 'set_001'}
