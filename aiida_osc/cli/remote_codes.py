"""The programs of a computer as AiiDA codes: found and asked for their version before a code is made."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

from aiida_osc.cli.installation import CODE_LABEL, CODE_PLUGIN, Step, find_code, retire_code
from aiida_osc.cli.remote_computer import run
from aiida_osc.errors import OscError

PYSCF_LABEL = 'pyscf'
#: What a Python must have for each engine of the batch job, as importable modules and as distributions.
PYTHON_ENGINES = {
    CODE_LABEL: (('numpy', 'rdkit.Chem', 'tblite.interface'), ('tblite', 'rdkit')),
    PYSCF_LABEL: (('numpy', 'rdkit.Chem', 'pyscf', 'geometric'), ('pyscf', 'geometric')),
}
INSTALL = {
    CODE_LABEL: 'numpy rdkit tblite',
    PYSCF_LABEL: 'numpy rdkit pyscf geometric pyscf-dispersion',
}
#: Prints one line of JSON: for each engine its versions, or the first thing that is missing.
_PYTHON_PROBE = f"""
import json
from importlib import import_module
from importlib.metadata import version
found = {{}}
for engine, (modules, names) in {PYTHON_ENGINES!r}.items():
    try:
        for module in modules:
            import_module(module)
        found[engine] = {{name: version(name) for name in names}}
    except Exception as exception:
        found[engine] = str(exception) or type(exception).__name__
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Program:
    """A program that is one executable.

    :ivar plugin: entry point of the CalcJob that it is for.
    :ivar version: finds the version in what ``--version`` prints.
    """

    label: str
    plugin: str
    title: str
    version: str
    absolute: bool = False


PROGRAMS = {
    program.label: program
    for program in (
        Program('psi4', 'osc.psi4', 'Psi4', r'^\s*(\d+\.\d\S*)\s*$'),
        # Its parallel parts are started from the folder of the executable.
        Program('orca', 'orca.orca', 'ORCA', r'Program Version\s+(\d\S*)', absolute=True),
    )
}
XTB = Program('xtb', CODE_PLUGIN, 'xtb', r'xtb version\s+(\d\S*)')


@dataclass(frozen=True)
class CodePlan:
    """A code to be there: label, executable, and what is said of it."""

    label: str
    executable: str
    plugin: str
    text: str
    prepend: str = ''


def plan_codes(transport, prepend: str, *, python: str | None, xtb: str | None, programs: dict[str, str]):
    """Return the codes for executables, each found and asked for its version where there is a connection.

    :param transport: open, or None when nothing is to be tested.
    :param prepend: shell text of the computer that comes before every program.
    :param python: interpreter for the batch jobs; needs tblite or PySCF.
    :param xtb: the xtb program, which the jobs of that interpreter are to find.
    :param programs: executables by the names of :data:`PROGRAMS`.
    :raises OscError: when one is missing or cannot be run, with what to do.
    """
    plans = []
    if xtb is not None and python is None:
        raise OscError('the xtb program helps the jobs of a Python with tblite: name that too, with --python')
    if python is not None:
        plans += _python_codes(transport, prepend, python, xtb)
    for name, path in programs.items():
        program = PROGRAMS[name]
        executable, version = _probe(transport, prepend, program, path)
        plans.append(CodePlan(name, executable, program.plugin, f'{executable}{version}'))
    return plans


def _python_codes(transport, prepend: str, python: str, xtb: str | None) -> list[CodePlan]:
    extra, note = '', ''
    if xtb is not None:
        program, version = _probe(transport, prepend, XTB, xtb)
        extra, note = xtb_environment(program), version
    if transport is None:
        _require_absolute('python', python)
        return [_python_code(label, python, f'{python}, not tested', extra) for label in PYTHON_ENGINES]
    executable = _find(transport, prepend, 'python', python)
    found = _ask_python(transport, prepend, executable)
    usable = {label: versions for label, versions in found.items() if isinstance(versions, dict)}
    if not usable:
        raise OscError(
            f'{executable} lacks the engines ({CODE_LABEL}: {found[CODE_LABEL]}; {PYSCF_LABEL}: {found[PYSCF_LABEL]}); '
            f'run there: {executable} -m pip install {INSTALL[CODE_LABEL]}'
        )
    texts = {label: f'{executable}, {_versions(versions)}' for label, versions in usable.items()}
    return [_python_code(label, executable, text, extra, note) for label, text in texts.items()]


def _python_code(label: str, executable: str, text: str, extra: str, note: str = '') -> CodePlan:
    """Return the code of one engine; only tblite's jobs turn to the xtb program."""
    if label != CODE_LABEL:
        return CodePlan(label, executable, CODE_PLUGIN, text)
    return CodePlan(label, executable, CODE_PLUGIN, f'{text}{note}', extra)


def _ask_python(transport, prepend: str, executable: str) -> dict[str, dict[str, str] | str]:
    status, output = run(transport, f'{shlex.quote(executable)} -c {shlex.quote(_PYTHON_PROBE)}', prepend)
    lines = [line for line in output.splitlines() if line.startswith('{')]
    if status or not lines:
        raise OscError(f'{executable} cannot be run there ({_last(output)}); name another with --python PATH')
    return json.loads(lines[-1])


def _probe(transport, prepend: str, program: Program, path: str) -> tuple[str, str]:
    """Return the executable and its version, `` 1.3.2`` or empty when it does not tell."""
    if transport is None:
        _require_absolute(program.label, path)
        return path, ', not tested'
    executable = _find(transport, prepend, program.label, path)
    if program.absolute:
        _require_absolute(program.label, executable)
    status, output = run(transport, f'cd / && {shlex.quote(executable)} --version < /dev/null', prepend)
    if status in (126, 127):
        raise OscError(f'{executable} cannot be run there ({_last(output)}); correct --{program.label}')
    version = re.search(program.version, output, re.MULTILINE)
    return executable, f', {program.title} {version[1]}' if version else f', {program.title} of unknown version'


def _find(transport, prepend: str, option: str, path: str) -> str:
    """Return the absolute path of an executable on the remote side."""
    _refuse_control(option, path)
    status, output = run(transport, f'command -v -- {shlex.quote(path)}', prepend)
    found = (output.splitlines() or [''])[-1]
    if status or not found.startswith('/'):
        raise OscError(
            f'there is no executable {path} on the computer; correct --{option}, or load its module by --prepend FILE'
        )
    return found


def _require_absolute(option: str, path: str) -> None:
    _refuse_control(option, path)
    if not PurePosixPath(path).is_absolute():
        raise OscError(f'--{option} {path}: give the whole path, from / on')


def _refuse_control(option: str, path: str) -> None:
    if not path or not path.isprintable():
        raise OscError(f'--{option} {path!r}: give a path without control characters')


def xtb_environment(path: str) -> str:
    """Return shell text after which programs find xtb and its parameters."""
    folder = PurePosixPath(path).parent
    share = folder.parent / 'share' / 'xtb'
    return (
        f'export PATH={shlex.quote(str(folder))}:"$PATH"\n'
        f'if [ -d {shlex.quote(str(share))} ]; then export XTBPATH={shlex.quote(str(share))}; fi'
    )


def ensure_code(computer, plan: CodePlan) -> Step:
    """Make a code unless the same is there; one of the label that differs makes room for it."""
    from aiida.orm import InstalledCode

    present = find_code(computer, plan.label)
    name = f'{plan.label}@{computer.label}'
    if present is not None:
        if (str(present.filepath_executable), present.prepend_text) == (plan.executable, plan.prepend):
            return Step(f'code {name}: there ({plan.text})')
        retire_code(present)
    InstalledCode(
        label=plan.label,
        description=f'Set up by aiida-osc for {plan.plugin}',
        computer=computer,
        filepath_executable=plan.executable,
        default_calc_job_plugin=plan.plugin,
        prepend_text=plan.prepend,
        with_mpi=False,
    ).store()
    return Step(f'code {name}: made ({plan.text})', changed=True)


def _versions(versions: dict[str, str]) -> str:
    return ', '.join(f'{name} {version}' for name, version in versions.items())


def _last(text: str) -> str:
    return (text.strip().splitlines() or ['it said nothing'])[-1].strip()
