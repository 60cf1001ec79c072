"""Whose data they are: licence and citation of the sources that a set names."""

from collections.abc import Iterable

#: What a set says where nothing is known of a source.
UNKNOWN = 'unknown to aiida-osc: look at where the data came from'
#: Sources that this package reads by name.
KNOWN = {
    'qm9': {
        'title': 'QM9',
        'citation': 'R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, Quantum chemistry structures and '
        'properties of 134 kilo molecules, Sci. Data 1, 140022 (2014)',
        'doi': '10.1038/sdata.2014.22',
        'licence': UNKNOWN,
    },
    'seed': {
        'title': 'the seed set of aiida-osc',
        'citation': 'aiida-osc',
        'doi': '',
        'licence': 'MIT, that of aiida-osc',
    },
}
#: Sources that are no published set: molecules that this package proposes itself.
OWN = {'jtvae': 'proposed by a generator of aiida-osc'}


def citations(names: Iterable[str]) -> list[dict[str, str]]:
    """Return ``name``, ``title``, ``citation``, ``doi`` and ``licence`` of each source, sorted; unknown ones say so."""
    found = []
    for name in sorted(set(names)):
        said = {'title': OWN.get(name, name), 'citation': '' if name in OWN else UNKNOWN, 'doi': '', 'licence': UNKNOWN}
        if name in OWN:
            said['licence'] = 'yours'
        found.append({'name': name, **said, **KNOWN.get(name, {})})
    return found


def citation_text(sources: Iterable[dict[str, str]], versions: dict[str, str]) -> str:
    """Return in a paragraph what to cite for a set of these sources.

    :param sources: from :func:`citations`.
    :param versions: of packages, by name.
    """
    cited = [
        f'{item["title"]}: {item["citation"]}{", doi " + item["doi"] if item["doi"] else ""}'
        for item in sources
        if item['citation'] not in ('', UNKNOWN, 'aiida-osc')
    ]
    unknown = [item['name'] for item in sources if item['citation'] == UNKNOWN]
    tools = (
        f'aiida-osc {versions["aiida-osc"]} and AiiDA {versions["aiida-core"]} '
        '(S. P. Huber et al., Sci. Data 7, 300 (2020), doi 10.1038/s41597-020-00638-4)'
    )
    parts = [f'Made with {tools}.', *(f'{text}.' for text in cited)]
    if unknown:
        parts.append(f'Sources to be named by whoever hands this on: {", ".join(unknown)}.')
    return ' '.join(parts)
