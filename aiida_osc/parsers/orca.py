"""Parser of ``orca.orca``: the text by :mod:`aiida_osc.qc.orca_output`, with the property file where there is one."""

import json
from typing import Any

import numpy as np

from aiida_osc.parsers.program import ProgramParser
from aiida_osc.qc.orca_output import parse_orca
from aiida_osc.qc.result import QcResult

OUTPUT_FILE = 'aiida.out'
PROPERTY_FILE = 'aiida.property.json'
STRUCTURE_FILE = 'aiida.xyz'
#: Digits of the output, in Angstrom: what differs by more is another structure.
SAME = 1e-3


class OrcaParser(ProgramParser):
    """Attach ``output_parameters`` always, and ``relaxed_structure`` when the atoms moved."""

    output_file = OUTPUT_FILE
    structure_label = 'relaxed_structure'

    def read_result(self, text: str) -> QcResult:
        """Return what the output and the property file say."""
        return parse_orca(text, properties=self._properties())

    def _properties(self) -> dict[str, Any] | None:
        try:
            content = json.loads(self.read_file(PROPERTY_FILE), parse_constant=lambda name: None)
        except (ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) else None

    def refine(self, symbols: tuple[str, ...], positions: np.ndarray) -> np.ndarray:
        """Return the positions of the file of coordinates, which has more digits, if they are the same."""
        rows = [line.split() for line in self.read_file(STRUCTURE_FILE).splitlines()[2 : 2 + len(symbols)]]
        if len(rows) != len(symbols) or any(len(row) < 4 for row in rows):
            return positions
        try:
            precise = np.array([row[1:4] for row in rows], dtype=float)
        except ValueError:
            return positions
        same = tuple(row[0] for row in rows) == symbols and np.abs(precise - positions).max() < SAME
        return precise if same else positions
