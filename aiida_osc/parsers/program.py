"""What the parsers of programs with a plugin of their own share: text -> result -> nodes and exit code."""

from abc import abstractmethod
from dataclasses import replace

import numpy as np
from aiida.engine import ExitCode
from aiida.orm import Dict
from aiida.parsers import Parser

from aiida_osc.calculations.launch_lock import STATUS_FILE
from aiida_osc.calculations.structures import read_structure, structure_from
from aiida_osc.errors import OscError
from aiida_osc.qc.failures import FAILURES
from aiida_osc.qc.identity import find_mismatch
from aiida_osc.qc.result import QcResult
from aiida_osc.qc.scheduler import find_verdict
from aiida_osc.units import BOHR_TO_ANGSTROM

#: Exit statuses by which the shell says that a program is not executable or not found, or was killed at once.
NOT_STARTED = (126, 127)
KILLED = 137
#: Exit statuses that AiiDA gives a job after what the scheduler's accounting says.
ACCOUNTS = {110: 'out_of_memory', 120: 'out_of_walltime', 140: 'output_truncated'}
#: What a scheduler's verdict can explain; other failures have a reason of their own.
UNEXPLAINED = ('output_missing', 'output_truncated', 'crashed')
#: Wave numbers between this and zero are noise of the integration grid, in cm^-1.
SMALLEST_IMAGINARY = -30.0
#: Atoms that moved by more than this make a new structure, in Angstrom.
SMALLEST_MOVE = 1e-4


class ProgramParser(Parser):
    """Attach what the program gave, whatever its end, and say in the exit code what went wrong."""

    #: Set by the program: its output file and the labels of the results and of the optimised structure.
    output_file: str
    structure_label: str
    results_label = 'output_parameters'
    #: Drivers that move the atoms.
    moving: tuple[str, ...] = ('optimization',)

    @abstractmethod
    def read_result(self, text: str) -> QcResult:
        """Return what the output says."""

    def parse(self, **_) -> ExitCode:
        """Attach the outputs and return the exit code, 0 after success."""
        symbols, positions = read_structure(self.node.inputs.structure)
        result = self._judge(self.read_result(self.read_file(self.output_file)), symbols)
        self.out(self.results_label, Dict(result.to_dict()))
        self._attach_structure(result, symbols, positions)
        if result.failure is None:
            return ExitCode(0)
        # The plugin's class does not know these exit codes: without this a failed job could serve as cache.
        self.node.base.caching.is_valid_cache = False
        failure = FAILURES[result.failure]
        return ExitCode(failure.status, failure.message.format(reason=result.reason), invalidates_cache=True)

    def asked(self) -> tuple[int, int]:
        """Return the charge and the multiplicity that the program was asked for."""
        parameters = self.node.inputs.parameters
        return parameters['charge'], parameters['multiplicity']

    def _judge(self, result: QcResult, symbols: tuple[str, ...]) -> QcResult:
        """Return the result with the verdict of the shell, the scheduler and the inputs on it."""
        if result.failure in UNEXPLAINED:
            explained = self._explain()
            return result.failed(*explained) if explained else result
        difference = find_mismatch(result, symbols, *self.asked())
        if difference and result.failure in (None, 'geometry_not_converged', 'imaginary_mode'):
            return result.failed('wrong_molecule', difference)
        if result.success and result.imaginary_modes is not None and result.frequencies is not None:
            lowest = float(result.frequencies.min())
            if lowest < SMALLEST_IMAGINARY:
                return result.failed('imaginary_mode', f'{lowest:.1f} cm^-1')
        status = self._status()
        if result.success and status:
            return replace(result, warnings=(*result.warnings, f'the program ended with exit status {status}'))
        return result

    def _explain(self) -> tuple[str, str] | None:
        """Return kind and reason of an output that does not tell them itself."""
        status, said = self._status(), self.read_file(self.node.get_option('scheduler_stderr') or '')
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), 'it said nothing')
        if status in NOT_STARTED:
            return 'no_executable', last
        verdict, account = find_verdict(said), ACCOUNTS.get(self.node.exit_status or 0)
        if verdict or account:
            return verdict or (str(account), last)
        return ('out_of_memory', 'it was killed') if status == KILLED else None

    def _attach_structure(self, result: QcResult, symbols: tuple[str, ...], positions: np.ndarray) -> None:
        """Attach the last structure when the atoms have moved."""
        if result.driver not in self.moving or result.geometry is None or result.symbols != symbols:
            return
        if result.failure == 'wrong_molecule':
            return
        final = self.refine(symbols, result.geometry * BOHR_TO_ANGSTROM)
        if np.abs(final - positions).max() > SMALLEST_MOVE:
            try:
                self.out(self.structure_label, structure_from(symbols, final))
            except OscError as exception:
                self.logger.warning(str(exception))

    def refine(self, symbols: tuple[str, ...], positions: np.ndarray) -> np.ndarray:
        """Return the same positions with more digits where another file has them; in Angstrom."""
        return positions

    def _status(self) -> int | None:
        """Return the exit status of the program as the job script noted it, None when the script itself was ended."""
        text = self.read_file(STATUS_FILE).strip()
        return int(text) if text.isdecimal() else None

    def read_file(self, name: str) -> str:
        """Return the content of a retrieved file, empty when it is not there."""
        try:
            return self.retrieved.base.repository.get_object_content(name, 'rb').decode('utf-8', errors='replace')
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return ''
