"""Whose data they are: licence and citation of the sources that a set names."""

from collections.abc import Iterable

from aiida_osc.datasets.sources.registry import get_source, names
from aiida_osc.datasets.sources.source import UNVERIFIED, YOURS

#: What a set says where nothing is known of a source.
UNKNOWN = 'unknown to aiida-osc: look at where the data came from'
#: Sources that are no published set: molecules that this package proposes itself.
OWN = {'jtvae': 'proposed by a generator of aiida-osc'}
_UNSAID = ('', UNKNOWN, UNVERIFIED, YOURS)


def citations(sources: Iterable[str]) -> list[dict[str, str]]:
    """Return ``name``, ``title``, ``citation``, ``doi`` and ``licence`` of each source, sorted; unknown ones say so."""
    return [{'name': name, **_said(name)} for name in sorted(set(sources))]


def _said(name: str) -> dict[str, str]:
    if name in OWN:
        return {'title': OWN[name], 'citation': '', 'doi': '', 'licence': 'yours'}
    if name not in names():
        return {'title': name, 'citation': UNKNOWN, 'doi': '', 'licence': UNKNOWN}
    source = get_source(name)
    return {field: getattr(source, field) for field in ('title', 'citation', 'doi', 'licence')}


def citation_text(sources: Iterable[dict[str, str]], versions: dict[str, str]) -> str:
    """Return in a paragraph what to cite for a set of these sources.

    :param sources: from :func:`citations`.
    :param versions: of packages, by name.
    """
    cited = [
        f'{item["title"]}: {item["citation"]}{", doi " + item["doi"] if item["doi"] not in _UNSAID else ""}'
        for item in sources
        if item['citation'] not in (*_UNSAID, 'this package')
    ]
    unknown = [item['name'] for item in sources if item['citation'] in _UNSAID[1:]]
    tools = (
        f'aiida-osc {versions["aiida-osc"]} and AiiDA {versions["aiida-core"]} '
        '(S. P. Huber et al., Sci. Data 7, 300 (2020), doi 10.1038/s41597-020-00638-4)'
    )
    parts = [f'Made with {tools}.', *(f'{text}.' for text in cited)]
    if unknown:
        parts.append(f'Sources to be named by whoever hands this on: {", ".join(unknown)}.')
    return ' '.join(parts)
