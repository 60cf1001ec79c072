"""Data node: a trained model or the checkpoint of one."""

import hashlib
from pathlib import Path
from typing import Any

from aiida.orm import Data

from aiida_osc.data.files import validate_file
from aiida_osc.training.artifact import CONFIG_FILE, WEIGHTS_FILE, ModelArtifact


class ModelData(Data):
    """Weights as safetensors, configuration as JSON.

    Queryable attributes: ``kind``, ``targets`` (written columns), ``metrics``, ``data_hash`` (content hash of the
    training set), ``versions``, ``finished``, ``progress`` (epochs and pieces), ``choice`` (which family of surrogates
    was kept and why, empty for other models), ``content_hash``.
    ``node.export('model/weights.safetensors')`` also writes ``config.json`` beside it: a model folder.
    """

    def __init__(self, artifact: ModelArtifact, **kwargs):
        """Store the two files of ``artifact``.

        :param artifact: the model.
        """
        super().__init__(**kwargs)
        for name, content in artifact.to_bytes().items():
            self.base.repository.put_object_from_bytes(content, name)
        keys = ('kind', 'targets', 'metrics', 'data_hash', 'versions', 'finished')
        attributes = {key: artifact.config[key] for key in keys}
        attributes['progress'] = artifact.config['training'].get('progress', {})
        attributes['choice'] = artifact.config['training'].get('choice', {})
        attributes['content_hash'] = artifact.content_hash()
        self.base.attributes.set_many(attributes)

    def artifact(self) -> ModelArtifact:
        """Return weights and configuration.

        :raises OscError: when a stored file is damaged.
        """
        contents = (self.base.repository.get_object_content(name, 'rb') for name in (WEIGHTS_FILE, CONFIG_FILE))
        return ModelArtifact.from_bytes(*contents)

    def load(self) -> Any:
        """Return the model object; its class is chosen by ``kind`` from an allow-list.

        :raises OscError: when a stored file is damaged.
        """
        from aiida_osc.training.registry import build

        return build(self.artifact())

    @property
    def finished(self) -> bool:
        """Return False for a checkpoint in the middle of training."""
        return self.base.attributes.get('finished')

    def _validate(self) -> bool:
        """Check that files and attributes agree."""
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            validate_file(self, name, dict)
        validate_file(self, WEIGHTS_FILE, self._described_by_files)
        return super()._validate()

    def _described_by_files(self) -> dict[str, Any]:
        """Return the attributes that the stored files ask for."""
        config = self.artifact().config
        contents = (self.base.repository.get_object_content(name, 'rb') for name in (WEIGHTS_FILE, CONFIG_FILE))
        digest = hashlib.sha256(b''.join(contents)).hexdigest()
        return {key: config[key] for key in ('kind', 'data_hash', 'finished')} | {'content_hash': digest}

    def _prepare_safetensors(self, main_file_name: str = '') -> tuple[bytes, dict]:
        """Return the weights, with the configuration as the additional file ``config.json``."""
        contents = {name: self.base.repository.get_object_content(name, 'rb') for name in (WEIGHTS_FILE, CONFIG_FILE)}
        return contents[WEIGHTS_FILE], {str(Path(main_file_name).with_name(CONFIG_FILE)): contents[CONFIG_FILE]}
