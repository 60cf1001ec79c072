import pytest
import yaml

from aiida_osc.cli.campaign import read_campaign
from aiida_osc.errors import OscError


def write(tmp_path, text):
    path = tmp_path / 'campaign.yaml'
    path.write_text(text)
    return path


def test_what_is_not_said_has_its_default(tmp_path):
    campaign = read_campaign(write(tmp_path, 'label: first\n'))
    assert (campaign.molecules, campaign.protocol, campaign.code) == ('seed', 'balanced', 'tblite')
    assert campaign.resolved()['overrides']['budget']['molecules'] == 250


def test_overrides_are_resolved_into_the_protocol(tmp_path):
    text = 'label: first\nprotocol: fast\noverrides: {selection: {size: 4}}\n'
    assert read_campaign(write(tmp_path, text)).resolved()['overrides']['selection']['size'] == 4


def test_model_of_start_structures_may_be_named(tmp_path):
    assert read_campaign(write(tmp_path, 'label: first\n')).diffusion == ''
    text = 'label: first\ndiffusion: 1234\noverrides: {geometries: {sampling: {steps: 3}}}\n'
    resolved = read_campaign(write(tmp_path, text)).resolved()
    assert resolved['diffusion'] == 1234
    assert resolved['overrides']['geometries'] == {'sampling': {'steps': 3}}


def test_generator_may_be_named(tmp_path):
    assert read_campaign(write(tmp_path, 'label: first\n')).generator == ''
    assert read_campaign(write(tmp_path, 'label: first\ngenerator: generator\n')).generator == 'generator'


def test_the_shipped_example_is_a_campaign(request):
    campaign = read_campaign(request.config.rootpath / 'examples' / 'campaign.yaml')
    assert yaml.safe_load(yaml.safe_dump(campaign.resolved()))['label'] == 'first campaign'


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'is no campaign'),
        ('- a\n- b\n', 'is no campaign'),
        ('protocol: fast\n', 'give at least "label: NAME"'),
        ('label: x\nprotocol: quick\n', "unknown protocol 'quick'"),
        ('label: x\nmolecule: seed\n', 'unknown settings molecule'),
        ('label: x\noverrides: {budget: {moles: 1}}\n', "unknown key 'budget.moles'"),
        ('label: x\noverrides: {budget: {molecules: 0}}\n', 'budget.molecules is 0: give a whole number of at least 1'),
        ('label: x\noverrides: {geometries: {sampling: {steps: 0}}}\n', '0 steps: give at least 1'),
        ('label: x\noverrides: {selection: {size: 0}}\n', 'selection.size is 0'),
        ('label: [x\n', 'is no YAML file'),
    ],
)
def test_bad_files_end_in_a_sentence(tmp_path, text, reason):
    with pytest.raises(OscError) as caught:
        read_campaign(write(tmp_path, text))
    assert reason in str(caught.value)
