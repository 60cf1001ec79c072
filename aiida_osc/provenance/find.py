"""Find a campaign by pk, uuid or label, and say what there is when it cannot be found."""

import difflib
from collections.abc import Sequence

from aiida.orm import ProcessNode, QueryBuilder, WorkChainNode

from aiida_osc.errors import OscError

CAMPAIGN_TYPE = 'aiida.workflows:osc.discovery'
SHOWN = 3


def all_campaigns() -> list[tuple[int, str, str]]:
    """Return pk, uuid and label of every campaign, newest first."""
    query = QueryBuilder().append(
        WorkChainNode, filters={'process_type': CAMPAIGN_TYPE}, project=['id', 'uuid', 'label'], tag='campaign'
    )
    return [tuple(row) for row in query.order_by({'campaign': {'id': 'desc'}}).all()]


def find_campaign(identifier: str) -> ProcessNode:
    """Return the campaign with that pk, uuid (or the beginning of one) or label; of equal labels the newest.

    :raises OscError: when there is none; the message names those that come nearest.
    """
    rows = all_campaigns()
    text = identifier.strip()
    for pk, uuid, label in rows:
        if text in (str(pk), uuid, label) or (len(text) >= 6 and uuid.startswith(text.lower())):
            return QueryBuilder().append(WorkChainNode, filters={'id': pk}).one()[0]
    if not rows:
        raise OscError('there is no campaign yet: submit one with "aiida-osc discover CAMPAIGN.yaml"')
    raise OscError(f'no campaign {identifier!r}; there is {_nearest(text, rows)}; see "aiida-osc status"')


def _nearest(text: str, rows: Sequence[tuple[int, str, str]]) -> str:
    """Return the campaigns whose label or pk resembles ``text``, else the newest ones."""
    names = {name: row for row in rows for name in (str(row[0]), row[2]) if name}
    near = difflib.get_close_matches(text, names, SHOWN, 0.5)
    chosen = list(dict.fromkeys(names[name] for name in near)) or list(rows[:SHOWN])
    return ', '.join(f'{pk} ({label!r})' if label else str(pk) for pk, _, label in chosen)
