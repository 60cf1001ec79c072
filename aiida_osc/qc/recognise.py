"""Any raw output of a quantum chemistry program, whichever it is, as one result."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiida_osc.errors import OscError
from aiida_osc.qc import xtb_output
from aiida_osc.qc.gaussian_output import parse_gaussian
from aiida_osc.qc.orca_output import parse_orca
from aiida_osc.qc.psi4_output import parse_psi4
from aiida_osc.qc.result import QcResult

#: Longer outputs are cut in the middle of nobody's patience: real ones have some ten MB.
LARGEST = 500_000_000
#: How each program names itself; the first that is found tells.
SIGNATURES: tuple[tuple[re.Pattern[str], Callable[[str], QcResult]], ...] = (
    (re.compile(r'\* O   R   C   A \*|Program Version \d+\.\d+'), parse_orca),
    (re.compile(r'Psi4: An Open-Source Ab Initio|PSI4: An Open-Source'), parse_psi4),
    (re.compile(r'Entering Gaussian System|Gaussian\(R\) \d+|Gaussian, Inc\.'), parse_gaussian),
    (xtb_output.SIGNATURE, xtb_output.parse_xtb),
)


def parse_output(text: str, properties: dict[str, Any] | None = None) -> QcResult:
    """Return what an output says, the program recognised by the way it names itself.

    :param properties: content of the property file that ORCA wrote beside its output.
    """
    if not text.strip():
        return QcResult('unknown').failed('output_missing', 'the file is empty')
    found = [(match.start(), parse) for pattern, parse in SIGNATURES if (match := pattern.search(text))]
    if not found:
        return QcResult('unknown').failed('output_missing', 'this is no output of ORCA, Psi4, xtb or Gaussian')
    parse = min(found, key=lambda item: item[0])[1]
    return parse_orca(text, properties=properties) if parse is parse_orca else parse(text)


def parse_file(path: str | Path) -> QcResult:
    """Return what the output in a file says; bytes that are no UTF-8 are replaced.

    :raises OscError: when the file cannot be read.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise OscError(f'{path} has more than {LARGEST // 1_000_000} MB: this is no output to be read at once')
        text = path.read_bytes().decode('utf-8', errors='replace')
    except OSError as exception:
        raise OscError(f'{path} cannot be read: {exception.strerror}') from None
    return parse_output(text, _properties_beside(path))


def _properties_beside(path: Path) -> dict[str, Any] | None:
    beside = path.with_suffix('.property.json')
    try:
        content = json.loads(beside.read_text(encoding='utf-8', errors='replace'))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
