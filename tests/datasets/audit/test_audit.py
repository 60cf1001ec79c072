import json
import warnings

import numpy as np
import pytest

from aiida_osc.chem.molecules import standardise
from aiida_osc.datasets.audit.audit import audit_tables
from aiida_osc.datasets.audit.settings import AuditSettings
from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.errors import OscError
from aiida_osc.targets import TARGETS


def bare(*smiles):
    items = [standardise(item) for item in smiles]
    return MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], ['x'] * len(items))


def test_the_seed_set():
    table = load_seed()
    (record,) = audit_tables({'seed': table}).sets
    assert record.molecules == len(table) == sum(record.sources.values())
    assert record.content_hash == table.content_hash()
    assert record.structures.elements['C'] == len(table)
    assert sum(record.structures.sizes.values()) == len(table)
    targets = {item.target: item for item in record.targets}
    assert list(targets) == list(TARGETS)
    assert targets['ie_adiabatic'].levels == ('IPEA1-xTB[shift=4.8455]//GFN2-xTB',)
    assert targets['miscibility_surrogate'] == (
        type(targets['homo'])(target='miscibility_surrogate', computed=True, molecules=0, levels=())
    )
    levels = {item.level: item for item in record.levels}
    assert levels['IPEA1-xTB[shift=4.8455]//GFN2-xTB'].targets == (
        'ea_adiabatic', 'ea_vertical', 'ie_adiabatic', 'ie_vertical',
    )  # fmt: skip


def test_coverage_counts_molecules_of_any_level():
    columns = {
        Column('homo', 'A'): np.array([-6.0, np.nan, np.nan]),
        Column('homo', 'B', 'film'): np.array([-5.0, -5.5, np.nan]),
        Column('lumo', 'A'): np.full(3, np.nan),
    }
    (record,) = audit_tables({'x': bare('C', 'CC', 'CCC').with_columns(columns)}).sets
    targets = {item.target: item for item in record.targets}
    assert (targets['homo'].molecules, targets['homo'].levels) == (2, ('A', 'B@film'))
    assert (targets['lumo'].molecules, targets['lumo'].levels) == (0, ())
    assert [(item.level, item.any, item.all) for item in record.levels] == [('A', 1, 0), ('B', 2, 2)]


def test_duplicates_and_overlap():
    first = bare('F/C=C/F', 'F/C=C\\F', 'CC(=O)CC(C)=O', 'CC(=O)C=C(C)O', 'c1ccccc1')
    second = bare('FC=CF', 'c1ccccc1', 'CCO')
    audit = audit_tables({'first': first, 'second': second}, AuditSettings(tautomers=True))
    stereo, tautomers = audit.sets[0].structures.duplicates
    assert (stereo.kind, stereo.groups, stereo.molecules) == ('stereo', 1, 2)
    assert stereo.examples == (first.inchikeys[:2],)
    assert (tautomers.kind, tautomers.groups, tautomers.molecules) == ('tautomer', 1, 2)
    (overlap,) = audit.overlaps
    # Benzene, which belongs to the common test split; and difluoroethene but for its stereochemistry.
    assert (overlap.molecules, overlap.skeletons, overlap.common_test) == (1, 2, 1)
    assert len(audit_tables({'first': first}).sets[0].structures.duplicates) == 1


def test_one_molecule_without_labels_and_one_that_is_none():
    table = MoleculeTable(('C', 'C1C'), ('VNWKTOKETHGBQD-UHFFFAOYSA-N', 'BAD'), ('x', 'x'))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        (record,) = audit_tables({'x': table}).sets
    assert (record.structures.unparsable_count, record.structures.unparsable) == (1, ('BAD',))
    assert record.columns == record.levels == record.findings == ()


def test_it_is_written_as_json():
    table = load_seed()
    holes = table.with_columns({Column('gap', 'empty'): np.full(len(table), np.nan)})
    data = audit_tables({'seed': holes, 'part': table.take([0])}).to_dict()
    assert json.loads(json.dumps(data, allow_nan=False))['sets'][1]['molecules'] == 1


@pytest.mark.parametrize('tables', [{}, {'none': MoleculeTable()}])
def test_nothing_to_audit(tables):
    with pytest.raises(OscError, match='nothing to audit'):
        audit_tables(tables)
