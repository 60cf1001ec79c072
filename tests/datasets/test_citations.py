"""Licences and citations of the sources of a set."""

from aiida_osc.datasets.citations import UNKNOWN, citation_text, citations

VERSIONS = {'aiida-osc': '1.2', 'aiida-core': '2.9.4'}


def test_known_own_and_unknown_sources():
    found = {item['name']: item for item in citations(['qm9', 'jtvae', 'my file', 'seed', 'qm9'])}
    assert list(found) == ['jtvae', 'my file', 'qm9', 'seed']
    assert found['qm9']['doi'] == '10.1038/sdata.2014.22'  # Ramakrishnan et al., Sci. Data 1, 140022 (2014)
    assert found['jtvae']['licence'] == 'yours'
    assert found['my file']['licence'] == found['my file']['citation'] == UNKNOWN
    assert found['seed']['licence'].startswith('MIT')


def test_text_names_the_tools_the_published_and_the_unknown():
    text = citation_text(citations(['qm9', 'jtvae', 'my file', 'seed']), VERSIONS)
    assert text.startswith('Made with aiida-osc 1.2 and AiiDA 2.9.4 (')
    assert 'Sci. Data 1, 140022 (2014), doi 10.1038/sdata.2014.22.' in text
    assert text.endswith('Sources to be named by whoever hands this on: my file.')
    assert 'jtvae' not in text
    assert 'seed' not in text
