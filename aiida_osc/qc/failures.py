"""How a single calculation can fail: one table for the parsers of all engines, their exit codes and the handlers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One kind of failure; ``message`` says what the user can do next, with ``{reason}`` from the output.

    :param status: exit status of the CalcJob: 2xx bad input, 3xx nothing usable, 4xx something to go on from.
    """

    kind: str
    status: int
    message: str

    @property
    def label(self) -> str:
        """Return the label of the exit code."""
        return f'ERROR_{self.kind.upper()}'


FAILURES: dict[str, Failure] = {
    failure.kind: failure
    for failure in (
        Failure('input_refused', 201, 'The program refused its input ({reason}): correct method, basis or keywords.'),
        Failure('wrong_multiplicity', 202, 'Charge and multiplicity contradict each other ({reason}): correct one.'),
        Failure('basis_missing', 203, 'An element has no basis functions ({reason}): choose another basis.'),
        Failure('atoms_too_close', 204, 'Atoms lie on top of each other ({reason}): give another structure.'),
        Failure('output_missing', 301, 'There is no output ({reason}): look at the job with "verdi calcjob".'),
        Failure('output_truncated', 302, 'The output ends before its time ({reason}): the job was killed; restart it.'),
        Failure('no_executable', 303, 'The program could not be started ({reason}): correct the path of the code.'),
        Failure('wrong_molecule', 304, 'The output is of another molecule ({reason}): do not use it.'),
        Failure('crashed', 305, 'The program ended with an error ({reason}): see its output.'),
        Failure('scf_not_converged', 310, 'The SCF did not converge ({reason}): damp it, or give another guess.'),
        Failure('out_of_memory', 312, 'The memory was not enough ({reason}): ask for more, or use fewer processes.'),
        Failure('geometry_not_converged', 401, 'The geometry did not converge ({reason}): go on from the last one.'),
        Failure('out_of_walltime', 402, 'The wall time was over ({reason}): go on from the last geometry.'),
        Failure('imaginary_mode', 403, 'The geometry is no minimum ({reason}): displace it along the mode.'),
    )
}
