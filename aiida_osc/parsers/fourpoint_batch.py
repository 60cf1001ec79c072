"""Parser of the four-point batch job: files to tables by :mod:`aiida_osc.qc.fourpoint`, and an exit code."""

import json
from typing import Any

from aiida.engine import ExitCode
from aiida.orm import Dict
from aiida.parsers import Parser

from aiida_osc.calculations.fourpoint_batch import (
    LOG_FILE,
    OUTPUT_FILE,
    RESULTS_FILE,
    STATUS_FILE,
    SUMMARY_FILE,
    WALLTIME_SHARE,
)
from aiida_osc.data.geometry_set import GeometrySetData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.parsers.program import ACCOUNTS
from aiida_osc.qc.fourpoint import geometry_table, labels_table, missing, of_levels, read_results, summary, verify
from aiida_osc.qc.levels import fourpoint_columns
from aiida_osc.qc.scheduler import find_verdict
from aiida_osc.qc.scheme import FourPointSettings

#: Exit statuses of the runner.
REFUSED, NO_ENGINE = 2, 3
#: Exit statuses by which the shell says that a program is not executable or not found, or was killed at once.
NOT_STARTED = (126, 127)
KILLED = 137
LONGEST_REASON = 300


class FourPointBatchParser(Parser):
    """Attach what the job has finished, whatever its end, and say in the exit code what to do about the rest."""

    def parse(self, **_) -> ExitCode:
        """Attach the outputs and return the exit code, 0 when every molecule was treated."""
        molecules = self.node.inputs.molecules.load()
        settings = FourPointSettings.from_dict(self._parameters())
        columns = fourpoint_columns(settings.energy, settings.geometry)
        found = of_levels(read_results(self._text(RESULTS_FILE).splitlines()), columns)
        records = verify(found, molecules)
        left = missing(records, molecules)
        if records:
            results = {**summary(records), 'asked': len(molecules), 'not_treated': left, 'job': self._summary()}
            self.out('labels', MoleculeSetData(labels_table(records, molecules)))
            self.out('geometries', GeometrySetData(geometry_table(records)))
            self.out('results', Dict(results))
        return self._diagnose(len(records), len(molecules)) if left else ExitCode(0)

    def _diagnose(self, done: int, total: int) -> ExitCode:
        """Return the exit code of a job that has not treated all of its molecules."""
        status, codes = self._status(), self.exit_codes
        if status == NO_ENGINE:
            return codes.ERROR_ENGINE_MISSING.format(reason=self._reason())
        if status in NOT_STARTED:
            return codes.ERROR_NO_EXECUTABLE.format(reason=self._reason())
        if status == REFUSED:
            return codes.ERROR_INPUT_REFUSED.format(reason=self._reason())
        if not done:
            started = bool(self._text(LOG_FILE))
            early, nothing = codes.ERROR_INTERRUPTED_EARLY, codes.ERROR_NO_RESULTS
            return early.format(total=total) if started else nothing.format(reason=self._reason())
        return codes[self._cause(status)].format(done=done, total=total)

    def _cause(self, status: int | None) -> str:
        """Return the name of the exit code of a job that has treated some of its molecules."""
        verdict = find_verdict(self._text(self.node.get_option('scheduler_stderr') or ''))
        # What the scheduler's accounting says, where there is one, stands on the node when the parser is called.
        causes = (verdict[0] if verdict else '', ACCOUNTS.get(self.node.exit_status or 0))
        if 'out_of_memory' in causes or status == KILLED:
            return 'ERROR_OUT_OF_MEMORY'
        limit = self.node.get_option('max_wallclock_seconds')
        is_over = limit is not None and self._summary().get('wall_seconds', 0) >= WALLTIME_SHARE * limit
        if 'out_of_walltime' in causes or is_over:
            return 'ERROR_OUT_OF_WALLTIME'
        return 'ERROR_INTERRUPTED'

    def _parameters(self) -> dict[str, Any]:
        return self.node.inputs.parameters.get_dict() if 'parameters' in self.node.inputs else {}

    def _status(self) -> int | None:
        """Return the exit status of the runner as the job script noted it; None when the script itself was ended."""
        text = self._text(STATUS_FILE).strip()
        return int(text) if text.isdecimal() else None

    def _reason(self) -> str:
        """Return the last line of what the job said."""
        output = self.node.get_option('output_filename') or OUTPUT_FILE
        names = (output, self.node.get_option('scheduler_stderr') or '', LOG_FILE)
        lines = [line for name in reversed(names) for line in self._text(name).splitlines() if line.strip()]
        return lines[-1].strip()[:LONGEST_REASON] if lines else 'it said nothing'

    def _summary(self) -> dict[str, Any]:
        """Return what the runner said of the whole run, nothing when it did not come to its end."""
        try:
            content = json.loads(self._text(SUMMARY_FILE), parse_constant=lambda name: None)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def _text(self, name: str) -> str:
        """Return the content of a retrieved file, empty when it is not there."""
        try:
            return self.retrieved.base.repository.get_object_content(name, 'rb').decode('utf-8', errors='replace')
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return ''
