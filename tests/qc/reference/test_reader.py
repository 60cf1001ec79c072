"""The published values that ship with the package."""

from collections import Counter

import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.reference import DOI, KINDS, load_reference, parse_reference, preferred
from aiida_osc.qc.reference.reader import HEADER, TARGETS

TCNQ = {
    'name': 'TCNQ',
    'smiles': 'N#CC(C#N)=c1ccc(=C(C#N)C#N)cc1',
    'inchikey': 'PCCVSPMFGIFTHU-UHFFFAOYSA-N',
    'target': 'ea_adiabatic',
    'value_eV': '3.383',
    'uncertainty_eV': '0.001',
    'kind': 'experiment',
    'doi': '10.1063/1.4937761',
    'note': 'anion photoelectrons',
}


def table(*rows):
    return '\n'.join([','.join(HEADER), *(','.join(row[name] for name in HEADER) for row in rows)]) + '\n'


def values(target):
    return {item.name: item.value for item in preferred(load_reference()) if item.target == target}


def test_every_value_has_a_doi_a_known_target_and_a_kind():
    references = load_reference()
    assert all(DOI.fullmatch(item.doi) for item in references)
    assert {item.target for item in references} <= set(TARGETS)
    assert {item.kind for item in references} == set(KINDS)
    assert all(item.note for item in references), 'say how it was measured or computed'


def test_the_families_are_there():
    names = {item.name for item in load_reference()}
    assert len(names) == len({item.inchikey for item in load_reference()}) >= 20
    assert {'benzene', 'naphthalene', 'anthracene', 'tetracene', 'pentacene'} <= names
    assert {"2,2'-bithiophene", '1,4-benzoquinone', 'TCNQ', 'maleic anhydride'} <= names


def test_known_values():
    affinities = values('ea_adiabatic')
    assert affinities['TCNQ'] == 3.383  # doi 10.1063/1.4937761
    assert affinities['pentacene'] == 1.43  # doi 10.1063/1.4973012
    assert affinities['1,4-benzoquinone'] == 1.860  # doi 10.1063/1.478066
    assert affinities['phenazine'] == pytest.approx(29.5 / 23.0605, abs=5e-4)  # 29.5 kcal/mol, doi 10.1139/v89-249
    ionisation = values('ie_adiabatic')
    assert ionisation['benzene'] == pytest.approx(74556.57 / 8065.544, abs=1e-5)  # cm^-1, doi 10.1063/1.473170
    assert ionisation['tetracene'] == pytest.approx(55918 / 8065.544, abs=1e-4)  # cm^-1, doi 10.1063/1.2837467


def test_longer_acenes_are_easier_to_ionise_and_to_reduce_and_relax_less():
    for target, names, rising in (
        ('ie_adiabatic', ('benzene', 'naphthalene', 'tetracene'), False),
        ('ea_vertical', ('naphthalene', 'anthracene', 'tetracene', 'pentacene', 'hexacene'), True),
        ('ea_adiabatic', ('naphthalene', 'anthracene', 'tetracene', 'pentacene'), True),
        ('lambda_hole', ('naphthalene', 'anthracene', 'tetracene', 'pentacene'), False),
    ):
        row = [values(target)[name] for name in names]
        assert row == sorted(row, reverse=not rising)


def test_an_electron_is_bound_more_strongly_after_relaxation():
    vertical, adiabatic = values('ea_vertical'), values('ea_adiabatic')
    both = vertical.keys() & adiabatic.keys()
    assert len(both) >= 4
    assert all(0 < adiabatic[name] - vertical[name] < 0.35 for name in both)


def test_measured_and_coupled_cluster_values_agree():
    pairs = {}
    for item in load_reference():
        pairs.setdefault((item.name, item.target), {})[item.kind] = item.value
    gaps = [
        abs(pair['experiment'] - pair['CCSD(T)']) for pair in pairs.values() if {'experiment', 'CCSD(T)'} <= set(pair)
    ]
    assert len(gaps) >= 5
    assert max(gaps) < 0.3  # hexafluorobenzene 10.2 and 9.93 eV


def test_preferred_takes_the_measurement_and_each_molecule_once():
    chosen = preferred(load_reference())
    assert max(Counter((item.inchikey, item.target) for item in chosen).values()) == 1
    assert [item.kind for item in chosen if (item.name, item.target) == ('benzene', 'ie_vertical')] == ['experiment']
    assert {(item.inchikey, item.target) for item in chosen} == {(i.inchikey, i.target) for i in load_reference()}


def test_a_good_row_is_read():
    (item,) = parse_reference(table(TCNQ))
    assert (item.value, item.uncertainty, item.kind) == (3.383, 0.001, 'experiment')


def test_no_stated_uncertainty_ranks_last():
    (stated,), (silent,) = parse_reference(table(TCNQ)), parse_reference(table({**TCNQ, 'uncertainty_eV': ''}))
    assert silent.uncertainty is None
    assert preferred([silent, stated]) == (stated,)


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'smiles': 'N#CC(C#N)=C1C=CC(=C(C#N)C#N)C=C1'}, 'write N#CC'),
        ({'inchikey': 'UHOVQNZJYSORNB-UHFFFAOYSA-N'}, 'PCCVSPMFGIFTHU'),
        ({'target': 'gap'}, 'use one of ie_vertical'),
        ({'kind': 'B3LYP-film'}, 'use one of experiment'),
        ({'doi': 'https://doi.org/10.1063/1.4937761'}, 'no DOI'),
        ({'doi': ''}, 'no DOI'),
        ({'value_eV': '3383'}, 'outside'),
        ({'value_eV': 'nan'}, 'no finite number'),
        ({'value_eV': 'three'}, 'no number'),
        ({'uncertainty_eV': '-0.1'}, 'makes no reference'),
    ],
)
def test_bad_rows_are_refused_with_the_line(change, reason):
    with pytest.raises(OscError, match='line 2') as caught:
        parse_reference(table({**TCNQ, **change}))
    assert reason in str(caught.value)


def test_wrong_columns_short_rows_and_repetitions_are_refused():
    with pytest.raises(OscError, match='must have the columns'):
        parse_reference('name,smiles\nTCNQ,C\n')
    with pytest.raises(OscError, match='9 cells'):
        parse_reference(','.join(HEADER) + '\nTCNQ,C\n')
    with pytest.raises(OscError, match=r'line 3.*twice'):
        parse_reference(table(TCNQ, TCNQ))
