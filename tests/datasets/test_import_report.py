import csv
import json

from aiida_osc.datasets.import_report import Duplicate, ImportReport, RefusedValue, Rejection

REPORT = ImportReport(
    rows=5,
    accepted=2,
    columns={'HOMO_eV': 'homo@PBE'},
    unclear=('lumo',),
    left_out={'PCE': 'an efficiency'},
    notes=('a sign was turned',),
    rejected=(Rejection(3, '=cmd()', 'invalid SMILES'),),
    refused_values=(RefusedValue(2, 'homo@PBE', '99', '99 eV is outside'),),
    duplicates=(Duplicate(4, 2, 'KEY', ('homo@PBE',)), Duplicate(5, 2, 'KEY', ())),
)


def test_survives_json():
    assert ImportReport.from_dict(json.loads(json.dumps(REPORT.to_dict()))) == REPORT


def test_rejected_file_holds_everything_left_out_and_no_formula(tmp_path):
    REPORT.write_rejected(tmp_path / 'rejected.csv')
    with (tmp_path / 'rejected.csv').open(newline='') as handle:
        rows = list(csv.reader(handle))
    assert rows == [
        ['line', 'text', 'reason'],
        ['2', '99', 'homo@PBE: 99 eV is outside'],
        ['3', "'=cmd()", 'invalid SMILES'],
        ['4', 'KEY', 'differs from line 2 in homo@PBE'],
    ]
