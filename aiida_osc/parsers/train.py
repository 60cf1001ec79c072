"""Parser of the training job: the model it left, finished or not, and an exit code."""

from aiida.engine import ExitCode
from aiida.orm import Dict
from aiida.parsers import Parser

from aiida_osc.calculations.launch_lock import STATUS_FILE
from aiida_osc.calculations.train import MODEL_FILES, MODEL_FOLDER, OUTPUT_FILE
from aiida_osc.data.model import ModelData
from aiida_osc.errors import OscError
from aiida_osc.parsers.program import ACCOUNTS, KILLED, NOT_STARTED
from aiida_osc.qc.scheduler import find_verdict
from aiida_osc.training.artifact import ModelArtifact

#: Exit statuses of the command: an error that it explains, and words that it does not know.
FAILED, NOT_UNDERSTOOD = 1, 2
#: Exit status of a program whose CPU time was over.
OUT_OF_TIME = 152
LONGEST_REASON = 300


class TrainParser(Parser):
    """Attach the model that the job left, whatever its end, and say in the exit code what to do next."""

    def parse(self, **_) -> ExitCode:
        """Attach the outputs and return the exit code, 0 when the job has trained what it was asked to."""
        artifact, reason = self._read_model()
        status = self._status()
        if artifact is not None:
            progress = artifact.config['training']['progress']
            self.out('model', ModelData(artifact))
            self.out('log', Dict({'epochs': progress['history']}))
            if artifact.config['finished'] or status == 0:
                return ExitCode(0)
        if status in NOT_STARTED:
            return self.exit_codes.ERROR_NO_EXECUTABLE.format(reason=self._said())
        if status == NOT_UNDERSTOOD:
            return self.exit_codes.ERROR_INPUT_REFUSED.format(reason=self._said())
        if status == FAILED:
            return self.exit_codes.ERROR_TRAINING_FAILED.format(reason=self._said())
        if artifact is not None:
            name = f'ERROR_{self._cause(status)}'
            return self.exit_codes[name].format(epoch=progress['epoch'], epochs=progress['epochs'])
        if status == 0 or reason:
            return self.exit_codes.ERROR_NO_MODEL.format(reason=reason or self._said())
        return self.exit_codes.ERROR_INTERRUPTED_EARLY.format(reason=self._said())

    def _read_model(self) -> tuple[ModelArtifact | None, str]:
        """Return the model that the job has trained on; None and why for one that is damaged or of another kind.

        None without a reason means that the job wrote none, or none beyond the checkpoint that it began with.
        """
        names = [f'{MODEL_FOLDER}/{name}' for name in MODEL_FILES]
        try:
            contents = [self.retrieved.base.repository.get_object_content(name, 'rb') for name in names]
        except (FileNotFoundError, IsADirectoryError):
            return None, ''
        try:
            artifact = ModelArtifact.from_bytes(*contents)
            began = self._began()
            if artifact.kind != self.node.inputs.kind.value:
                return None, f'a model of kind {artifact.kind!r}'
            return (artifact if artifact.config['training']['progress']['pieces'] > began else None), ''
        except (OscError, KeyError, TypeError) as exception:
            return None, f'damaged: {exception}'

    def _began(self) -> int:
        """Return the pieces that had been trained before this job."""
        checkpoint = self.node.inputs.checkpoint if 'checkpoint' in self.node.inputs else None
        if checkpoint is None or checkpoint.finished:
            return 0
        return int(checkpoint.base.attributes.get('progress')['pieces'])

    def _cause(self, status: int | None) -> str:
        """Return the end of the name of the exit code of a job that was ended from outside."""
        verdict = find_verdict(self._text(self.node.get_option('scheduler_stderr') or ''))
        # What the scheduler's accounting says, where there is one, stands on the node when the parser is called.
        causes = (verdict[0] if verdict else '', ACCOUNTS.get(self.node.exit_status or 0))
        if 'out_of_walltime' in causes or status == OUT_OF_TIME:
            return 'OUT_OF_WALLTIME'
        return 'OUT_OF_MEMORY' if 'out_of_memory' in causes or status == KILLED else 'INTERRUPTED'

    def _status(self) -> int | None:
        """Return the exit status of the command as the job script noted it; None when the script itself was ended."""
        text = self._text(STATUS_FILE).strip()
        return int(text) if text.isdecimal() else None

    def _said(self) -> str:
        """Return the last line of what the job said."""
        names = (self.node.get_option('output_filename') or OUTPUT_FILE, self.node.get_option('scheduler_stderr') or '')
        lines = [line for name in reversed(names) for line in self._text(name).splitlines() if line.strip()]
        return lines[-1].strip()[:LONGEST_REASON] if lines else 'it said nothing'

    def _text(self, name: str) -> str:
        """Return the content of a retrieved file, empty when it is not there."""
        try:
            return self.retrieved.base.repository.get_object_content(name, 'rb').decode('utf-8', errors='replace')
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return ''
