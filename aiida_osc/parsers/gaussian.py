"""Parser of aiida-gaussian's ``gaussian``: the text by :mod:`aiida_osc.qc.gaussian_output`."""

from aiida_osc.parsers.program import ProgramParser
from aiida_osc.qc.gaussian_output import parse_gaussian
from aiida_osc.qc.result import QcResult


class GaussianParser(ProgramParser):
    """Attach ``output_parameters`` always, and ``output_structure`` when the atoms moved."""

    output_file = 'aiida.out'
    structure_label = 'output_structure'

    def read_result(self, text: str) -> QcResult:
        """Return what the output says."""
        return parse_gaussian(text)
