import pytest

from aiida_osc.datasets.formats.rows import Record
from aiida_osc.datasets.standardising import standardised
from aiida_osc.errors import OscError


def test_several_processes_give_what_one_gives(monkeypatch):
    monkeypatch.setattr('aiida_osc.datasets.standardising.BATCH', 3)
    texts = ['c1ccccc1', 'C.C', 'OCC', 'xx', 'c1ccsc1', 'N', 'CC(=O)[O-]']
    records = [Record(line, text, problem='bad' if text == 'N' else None) for line, text in enumerate(texts)]
    one = list(standardised(records))
    assert list(standardised(iter(records), jobs=2)) == one
    assert [record.text for record, _ in one] == texts
    assert one[5][1] == 'bad'
    assert one[6][1].smiles == 'CC(=O)O'


def test_no_process():
    with pytest.raises(OscError, match='positive'):
        list(standardised([], jobs=0))
