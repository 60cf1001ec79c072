import pytest

from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.datasets.splits import in_common_test_split


@pytest.mark.parametrize(
    ('inchikey', 'expected'),
    [
        # first four digits of `printf KEY | sha256sum`, by hand
        ('UHOVQNZJYSORNB-UHFFFAOYSA-N', True),  # benzene, 0df2 = 3570
        ('SLIUAWYAILUBJU-UHFFFAOYSA-N', True),  # pentacene, ce36 = 52790
        ('UFWIBTONFRDIAS-UHFFFAOYSA-N', False),  # naphthalene, 17e4 = 6116
    ],
)
def test_split_is_by_hash(inchikey, expected):
    assert in_common_test_split(inchikey) is expected


def test_about_a_tenth_belongs_to_it():
    keys = load_seed(labelled=False).inchikeys
    share = sum(map(in_common_test_split, keys)) / len(keys)
    assert 0.06 < share < 0.14
