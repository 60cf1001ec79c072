"""HOPV15: solar-cell molecules with experimental values and density functionals on several conformers.

A block of its text file: SMILES, InChI, a line of experimental values, SMILES without side chains, the number of
conformers, and per conformer its name, number of atoms, atoms, and four lines of computed values.
"""

from collections.abc import Iterator
from pathlib import Path

from aiida_osc.datasets.formats.rows import Record, Rows, Streamed, read_lines
from aiida_osc.datasets.sources.source import UNVERIFIED, Source
from aiida_osc.errors import OscError

#: Fields of the line of experimental values.
EXPERIMENT = (
    *('doi', 'inchikey', 'construction', 'architecture', 'complement', 'homo', 'lumo'),
    *('electrochemical gap', 'optical gap', 'PCE', 'Voc', 'Jsc', 'fill factor'),
)
#: What computed values are called -> level of their energies; others are left out.
METHODS = {
    'QChem B3LYP/def2-SVP DFT': 'B3LYP/def2-SVP',
    'QChem BP86/def2-SVP DFT': 'BP86/def2-SVP',
    'QChem M06-2X/def2-SVP DFT': 'M06-2X/def2-SVP',
    'QChem PBE0/def2-SVP DFT': 'PBE0/def2-SVP',
}
LINES_OF_METHODS = 4
GEOMETRY = 'HOPV15[first conformer]'
MEASURED = 'experiment[HOPV15]'
ORBITALS = ('homo', 'lumo', 'gap')
_MEASURED = {'homo': 'homo:eV', 'lumo': 'lumo:eV', 'electrochemical gap': 'gap:eV'}
COLUMNS = {f'experimental {name}': f'{text}@{MEASURED}' for name, text in _MEASURED.items()} | {
    f'{method} {name}': f'{name}:hartree@{level}//{GEOMETRY}' for method, level in METHODS.items() for name in ORBITALS
}
LEFT_OUT = {f'experimental {name}': 'a property of a device' for name in ('PCE', 'Voc', 'Jsc', 'fill factor')} | {
    'experimental optical gap': 'an excitation energy'
}


def read_blocks(path: Path, smiles_column: str | None = None) -> Rows:
    """Return the molecules of the text file; nothing of the conformers after the first is kept.

    Experimental values belong to the whole molecule and are left out where the material is a polymer; computed ones
    belong to the molecule without side chains, which is a record of its own where the two differ.

    :param smiles_column: not used.
    :raises OscError: when the file is empty; one that is not of this form is noticed as the records are gone through.
    """
    del smiles_column
    if not any(True for _ in _records(path)):
        raise OscError(f'{path.name} holds no block')
    return Rows((*COLUMNS, *LEFT_OUT), Streamed(lambda: _records(path)))


def _records(path: Path) -> Iterator[Record]:
    lines = _Lines(path)
    while (smiles := lines.next_block()) is not None:
        start = lines.number
        lines.take('InChI=')
        measured = dict(zip(EXPERIMENT, _fields(lines, len(EXPERIMENT)), strict=True))
        pruned, at = lines.take(), lines.number
        computed = _first_conformer(lines)
        is_molecule = measured['construction'].lower() != 'polymer'
        cells = {f'experimental {name}': measured[name] for name in EXPERIMENT[5:]} if is_molecule else {}
        if pruned == smiles:
            yield Record(start, smiles, cells | computed)
            continue
        if is_molecule:
            yield Record(start, smiles, cells)
        yield Record(at, pruned, computed)


def _first_conformer(lines: '_Lines') -> dict[str, str]:
    """Return the computed values of the first conformer, and read past the others."""
    cells: dict[str, str] = {}
    for conformer in range(lines.integer()):
        lines.take('Conformer')
        for _ in range(lines.integer()):
            lines.take()
        for _ in range(LINES_OF_METHODS):
            method, *values = _fields(lines, 1 + len(ORBITALS) + 3)
            if conformer == 0 and method in METHODS:
                cells |= {f'{method} {name}': value for name, value in zip(ORBITALS, values, strict=False)}
    return cells


def _fields(lines: '_Lines', count: int) -> list[str]:
    """Return the fields of the next line; a comma more than expected belongs to the first of them."""
    fields = [text.strip() for text in lines.take().rsplit(',', count - 1)]
    if len(fields) != count:
        raise lines.error(f'{len(fields)} values where there are {count}')
    return fields


class _Lines:
    """The lines of the file, each with its number."""

    def __init__(self, path: Path) -> None:
        self.path, self.number, self.lines = path, 0, read_lines(path)

    def next_block(self) -> str | None:
        """Return the first line that is not blank, None at the end."""
        for line in self.lines:
            self.number += 1
            if line.strip():
                return line.strip()
        return None

    def take(self, start: str = '') -> str:
        """Return the next line, which begins with ``start``."""
        line = next(self.lines, None)
        self.number += 1
        if line is None:
            raise self.error('the file is cut short')
        if not line.startswith(start):
            raise self.error(f'{line.strip()[:40]!r} where a line begins with {start!r}')
        return line.strip()

    def integer(self) -> int:
        """Return the number in the next line."""
        text = self.take()
        if not text.isdecimal():
            raise self.error(f'{text[:40]!r} where a number is expected')
        return int(text)

    def error(self, text: str) -> OscError:
        """Return the error that says what is wrong with the line."""
        return OscError(f'{self.path.name}, line {self.number}: {text}')


SOURCE = Source(
    name='hopv15',
    title='HOPV15 (HOPV_15_revised_2.data)',
    citation='Lopez et al., The Harvard organic photovoltaic dataset, Sci. Data (2016)',
    doi='10.1038/sdata.2016.86',
    licence=UNVERIFIED,
    url='https://figshare.com/articles/dataset/HOPV15_Dataset/1610063',
    columns=COLUMNS,
    left_out=LEFT_OUT,
    read=read_blocks,
    notes='Experimental values of polymers are not those of the repeat unit and are left out. Computed values are '
    'those of the first conformer, at the geometries of the set.',
)
