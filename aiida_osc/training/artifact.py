"""A trained model as two files, ``weights.safetensors`` and ``config.json``: no pickle, checked before use."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from aiida_osc.errors import OscError

WEIGHTS_FILE = 'weights.safetensors'
CONFIG_FILE = 'config.json'
FORMAT = 1
KINDS = ('surrogate', 'jtvae', 'diffusion')
MAX_CONFIG_BYTES = 50 * 2**20
#: key of ``config.json`` -> its type; every key must be there
SCHEMA: dict[str, type] = {
    'format': int,
    'kind': str,
    'architecture': dict,
    'targets': list,
    'training': dict,
    'metrics': dict,
    'data_hash': str,
    'versions': dict,
    'finished': bool,
    'extra': dict,
}


@dataclass(frozen=True)
class ModelArtifact:
    """Weights and configuration of one model or checkpoint.

    :param config: JSON values with the keys of :data:`SCHEMA`: ``kind``; ``architecture``, the keyword arguments of the
        model class; ``targets``, written columns such as ``homo@GFN2-xTB//GFN2-xTB``; ``training``, settings and
        progress; ``metrics``; ``data_hash``, content hash of the training set; ``versions``; ``finished``, false
        for a checkpoint in the middle of training; ``extra``, what the kind needs besides, such as a vocabulary.
    :param weights: tensors by name; a checkpoint adds the optimiser and random state as tensors.
    """

    config: dict[str, Any]
    weights: Mapping[str, torch.Tensor]

    def __post_init__(self) -> None:
        """Check the configuration.

        :raises OscError: when a key is missing, unknown or of the wrong type.
        """
        for key, kind in SCHEMA.items():
            if not isinstance(self.config.get(key), kind):
                raise OscError(f'model configuration: {key!r} is missing or not of type {kind.__name__}')
        unknown = sorted(set(self.config) - set(SCHEMA))
        if unknown:
            raise OscError(f'model configuration: unknown keys {", ".join(unknown)}')
        if self.config['format'] != FORMAT or self.config['kind'] not in KINDS:
            raise OscError(
                f'model of format {self.config["format"]} and kind {self.config["kind"]!r} is not known here'
            )

    @property
    def kind(self) -> str:
        """Return ``surrogate``, ``jtvae`` or ``diffusion``."""
        return str(self.config['kind'])

    @property
    def family(self) -> str:
        """Return the kind, with the signal where a kind has several: ``diffusion of molecules``."""
        signal = self.config['architecture'].get('signal')
        return self.kind if signal is None else f'{self.kind} of {signal}'

    def require(self, family: str, *, finished: bool = True) -> None:
        """Refuse a model of another family, or one whose training has not ended.

        :raises OscError: when it is one.
        """
        if self.family != family:
            raise OscError(f'this is a model of kind {self.family!r}: give one of kind {family!r}')
        if finished and not self.config['finished']:
            raise OscError('this model is a checkpoint in the middle of its training: go on training it first')

    def to_bytes(self) -> dict[str, bytes]:
        """Return the content of both files by name, equal for equal models."""
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(self.weights.items())}
        text = json.dumps(self.config, indent=1, sort_keys=True, allow_nan=False)
        return {WEIGHTS_FILE: safetensors.torch.save(weights), CONFIG_FILE: text.encode()}

    def save(self, folder: str | Path) -> None:
        """Write both files into ``folder``, which is made when it is not there."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        contents = self.to_bytes()
        # A training that is killed while it writes leaves the last checkpoint: no half file, no file of the next one.
        for name, content in contents.items():
            Path(folder, f'{name}.partial').write_bytes(content)
        for name in contents:
            Path(folder, f'{name}.partial').replace(Path(folder, name))

    def content_hash(self) -> str:
        """Return a SHA-256 of both files."""
        return hashlib.sha256(b''.join(self.to_bytes().values())).hexdigest()

    @classmethod
    def from_bytes(cls, weights: bytes, config: bytes) -> 'ModelArtifact':
        """Return the model in the content of its two files.

        :raises OscError: when either is damaged.
        """
        if len(config) > MAX_CONFIG_BYTES:
            raise OscError(f'{CONFIG_FILE} is larger than {MAX_CONFIG_BYTES} bytes: refused')
        try:
            values = json.loads(config, parse_constant=_refuse_constant)
            tensors = safetensors.torch.load(weights)
        except (ValueError, RecursionError, safetensors.SafetensorError) as exception:
            raise OscError(f'not a model of aiida-osc: {exception}') from None
        if not isinstance(values, dict):
            raise OscError(f'not a model of aiida-osc: {CONFIG_FILE} holds no object')
        return cls(values, tensors)

    @classmethod
    def load(cls, folder: str | Path) -> 'ModelArtifact':
        """Return the model stored in ``folder``.

        :raises OscError: when a file is missing or damaged.
        """
        try:
            contents = [Path(folder, name).read_bytes() for name in (WEIGHTS_FILE, CONFIG_FILE)]
        except OSError as exception:
            raise OscError(f'{folder} is no model folder: {exception}') from None
        try:
            return cls.from_bytes(*contents)
        except OscError as exception:
            raise OscError(f'{folder}: {exception}') from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f'{CONFIG_FILE} holds {name}, which is no JSON number')


def load_weights(module: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Copy ``weights`` into ``module``.

    :raises OscError: when names or shapes do not fit, or a weight is not finite.
    """
    broken = [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise OscError(f'the model is damaged: {broken[0]} holds values that are not finite')
    try:
        module.load_state_dict(dict(weights))
    except RuntimeError as exception:
        reason = ' '.join(str(exception).split())[:300]
        raise OscError(f'the model is damaged: its weights do not fit its architecture ({reason})') from None


def package_versions() -> dict[str, str]:
    """Return the versions that decide what a model computes."""
    from importlib.metadata import version

    return {name: version(name) for name in ('aiida-osc', 'torch', 'rdkit', 'numpy')}
