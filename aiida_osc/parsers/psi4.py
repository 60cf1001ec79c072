"""Parser of ``osc.psi4``: the JSON file of the job, and the text where that is not there."""

import json
from typing import Any

from aiida.engine import ExitCode
from aiida.orm import Dict

from aiida_osc.calculations.psi4 import LOG_FILE, OUTPUT_FILE
from aiida_osc.parsers.program import ProgramParser
from aiida_osc.qc.calculation import Calculation
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.identity import find_mismatch
from aiida_osc.qc.psi4_failures import classify
from aiida_osc.qc.psi4_input import RESULTS_FILE
from aiida_osc.qc.psi4_json import read_psi4_json
from aiida_osc.qc.psi4_output import parse_psi4
from aiida_osc.qc.result import QcResult

#: What the text of a job may explain better than the JSON file, which a killed job could not finish.
UNSAID = ('output_missing', 'output_truncated')


class Psi4Parser(ProgramParser):
    """Attach ``results`` always, ``structure`` when the atoms moved, ``qcschema`` when that was given."""

    output_file = OUTPUT_FILE
    structure_label = 'structure'
    results_label = 'results'
    moving = ('optimization', 'frequencies')

    def parse(self, **keywords) -> ExitCode:
        """Attach the outputs and return the exit code, 0 after success."""
        if 'qcschema' in self.node.inputs:
            return self._parse_qcschema()
        return super().parse(**keywords)

    def read_result(self, text: str) -> QcResult:
        """Return what the JSON file says, and of a job that could not finish it what the text says."""
        result = read_psi4_json(self.read_file(RESULTS_FILE))
        if result.failure not in UNSAID:
            return result
        said = parse_psi4(text)
        if said.failure not in (None, *UNSAID):
            return result.failed(said.failure, said.reason or '')
        found = classify(self.read_file(LOG_FILE))
        return result.failed(*found) if found else result

    def asked(self) -> tuple[int, int]:
        """Return the charge and the multiplicity that Psi4 was asked for."""
        calculation = Calculation.from_dict(self.node.inputs.parameters.get_dict())
        return calculation.charge, calculation.multiplicity

    def _parse_qcschema(self) -> ExitCode:
        from aiida_osc.qc.atomic_input import read_molecule

        symbols, _, charge, multiplicity = read_molecule(self.node.inputs.qcschema.get_dict())
        result = self.read_result(self.read_file(OUTPUT_FILE))
        difference = find_mismatch(result, symbols, charge, multiplicity) if result.success else None
        if difference:
            result = result.failed('wrong_molecule', difference)
        elif result.failure in UNSAID:
            explained = self._explain()
            result = result.failed(*explained) if explained else result
        answer = self._answer()
        if answer:
            self.out('qcschema', Dict(answer))
        self.out('results', Dict(result.to_dict()))
        if result.failure is None:
            return ExitCode(0)
        failure = FAILURES[result.failure]
        return ExitCode(failure.status, failure.message.format(reason=result.reason), invalidates_cache=True)

    def _answer(self) -> dict[str, Any] | None:
        """Return the AtomicResult of the job, numbers that are none left out."""
        try:
            content = json.loads(self.read_file(RESULTS_FILE), parse_constant=lambda name: None)
        except (ValueError, RecursionError):
            return None
        answer = content.get('qcschema') if isinstance(content, dict) else None
        return answer if isinstance(answer, dict) else None
