"""The data sets themselves where they lie beside the project: counts, and values of the raw files."""

from pathlib import Path

import numpy as np
import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.geometry_sources import collect_structures
from aiida_osc.datasets.readers import read_table
from aiida_osc.datasets.sources.registry import get_source

SHARED = Path(__file__).parents[3].parent / 'shared' / 'data'


def published(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f'needs the data set {name} in shared/data beside the project')
    return path


def value(result, inchikey, column):
    return result.table.values(Column.parse(column))[result.table.index()[inchikey]]


def test_pachqa_in_full():
    """3,140 molecules at three levels; the values are those of rows 2-0001 and 2-0002."""
    result = read_table(published('pachqa/props.csv'), source_name='pachqa')
    assert result.report.rows == len(result.table) == 3140
    assert result.report.rejected == result.report.refused_values == result.report.duplicates == ()
    assert set(result.table.coverage().values()) == {3140}
    first, second = 'AAUJSCRITBXDJH-UHFFFAOYSA-N', 'ABSKRMOZCDDGDC-UHFFFAOYSA-N'
    assert value(result, first, 'homo@GFN2-xTB//GFN2-xTB') == -10.7427
    assert value(result, first, 'homo@r2SCAN-3c//r2SCAN-3c') == -5.9794
    assert value(result, first, 'lumo@wB97X-D4/def2-TZVP//r2SCAN-3c') == -0.0238
    assert value(result, first, 'polarizability@D4[GFN2-xTB]//GFN2-xTB') == 144.599878
    assert value(result, first, 'polarizability@wB97X-D4/def2-TZVP//r2SCAN-3c') == 155.28985
    assert value(result, second, 'dipole@GFN2-xTB//GFN2-xTB') == 0.537


def test_da_dimers_in_full_and_some_structures():
    folder = published('da_dimers')
    result = read_table(folder, source_name='da_dimers')
    assert result.report.rows == len(result.table) == 2468
    source = get_source('da_dimers')
    found = collect_structures(source.structures(folder, 40, 3), level=source.geometry_level, source='da_dimers')
    assert len(found.molecules) == 40
    assert set(found.molecules.inchikeys) <= set(result.table.inchikeys)


def test_nfa_all_rows_a_sample_of_molecules():
    """All 29,227 rows pass the check of units, 2,000 of them are standardised."""
    result = read_table(published('nfa/nfa_homo_lumo.csv'), source_name='nfa', sample=2000)
    assert len(result.table) == 2000
    columns = {
        target: result.table.values(Column(target, 'DFT[calibrated, unstated]')) for target in ('homo', 'lumo', 'gap')
    }
    np.testing.assert_allclose(columns['lumo'] - columns['homo'], columns['gap'], atol=2e-6)
    raw = {line.split(',')[1]: line.split(',') for line in published('nfa/nfa_homo_lumo.csv').read_text().splitlines()}
    assert len(raw) == 29227 + 1
    homo = [float(raw[key][2]) for key in result.table.inchikeys if key in raw]
    assert len(homo) == 2000
    np.testing.assert_array_equal(columns['homo'], homo)


def test_cep_a_sample_of_molecules():
    result = read_table(published('cep/cep_pce.csv'), source_name='cep', sample=2000)
    assert result.report.rows == len(result.table) == 2000
    assert result.report.rejected == ()
