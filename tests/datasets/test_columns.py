import pytest

from aiida_osc.datasets.columns import Column
from aiida_osc.errors import OscError
from aiida_osc.qc.levels import XTB_LEVELS


@pytest.mark.parametrize(
    'text', ['homo@GFN2-xTB//GFN2-xTB', 'ie_adiabatic@experiment@film', 'lumo@B3LYP@cpcm(eps=3.5)']
)
def test_written_form_reads_back(text):
    assert str(Column.parse(text)) == text


def test_gas_is_not_written():
    assert str(Column('homo', 'B3LYP', 'gas')) == 'homo@B3LYP'
    assert Column.parse('homo@B3LYP') == Column('homo', 'B3LYP', 'gas')


def test_levels_never_share_a_column():
    assert len({Column(target, level) for target, level in XTB_LEVELS.items()}) == len(XTB_LEVELS)
    assert Column('homo', 'GFN2-xTB') != Column('homo', 'B3LYP')


@pytest.mark.parametrize(
    'text', ['homo', 'homo@', '@B3LYP', 'homo@a@b@c', 'energy@B3LYP', 'homo@B3\nLYP', 'homo@' + 'x' * 201]
)
def test_bad_columns_are_refused(text):
    with pytest.raises(OscError):
        Column.parse(text)
