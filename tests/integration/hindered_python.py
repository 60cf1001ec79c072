#!{python}
"""Stands for the Python of a batch job whose first run gets no further than its first molecule."""

import json
import os
import sys
import time
from pathlib import Path

PYTHON, MARK, HINDRANCE = '{python}', Path('{mark}'), '{hindrance}'

if MARK.exists():
    os.execv(PYTHON, [PYTHON, *sys.argv[1:]])
MARK.touch()
given = json.loads(Path('input.json').read_text())
given['molecules'] = given['molecules'][:1]
Path('input.json').write_text(json.dumps(given))
if os.spawnv(os.P_WAIT, PYTHON, [PYTHON, *sys.argv[1:]]):
    sys.exit('the runner failed')
kept = bytearray(b'x' * 2_000_000_000) if HINDRANCE == 'memory' else None
Path('hindered').touch()
time.sleep(3000)
