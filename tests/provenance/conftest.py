"""Stored campaigns, one per module: some hundred nodes with links take seconds to store."""

import pytest

from provenance.graph_factory import CampaignFactory, local_computer


@pytest.fixture(scope='module')
def campaign(aiida_profile):
    """Return the factory of a finished campaign of two iterations."""
    return CampaignFactory(local_computer())


@pytest.fixture(scope='module')
def running_campaign(aiida_profile):
    """Return the factory of a campaign that still runs, after one iteration."""
    return CampaignFactory(local_computer(), label='running campaign', state='running', iterations=1)
