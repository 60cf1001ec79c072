"""Which decoded molecules are kept, and the reason why others are not."""

from collections.abc import Sequence

from rdkit import Chem

from aiida_osc.chem.reactive import reactive_group
from aiida_osc.chem.strain import strain
from aiida_osc.chem.synthesis import sa_score
from aiida_osc.errors import OscError
from aiida_osc.generator.sample_settings import SampleSettings


class MoleculeFilter:
    """Limits on size, strain, reactive groups, substructures and synthetic accessibility."""

    def __init__(self, settings: SampleSettings) -> None:
        """Read the patterns.

        :raises OscError: when one is no SMARTS.
        """
        self.settings = settings
        self.required, self.forbidden = _patterns(settings.require), _patterns(settings.forbid)

    def reason(self, mol: Chem.Mol) -> str | None:
        """Return why a molecule is left out, None when it is kept; the cheapest checks come first."""
        settings = self.settings
        if mol.GetNumHeavyAtoms() > settings.max_heavy_atoms:
            return 'too large'
        missing = next((text for text, pattern in self.required if not mol.HasSubstructMatch(pattern)), None)
        if missing is not None:
            return f'without {missing}'
        found = next((text for text, pattern in self.forbidden if mol.HasSubstructMatch(pattern)), None)
        if found is not None:
            return f'forbidden: {found}'
        group = None if settings.reactive else reactive_group(mol)
        if group is not None:
            return f'reactive: {group}'
        rule = None if settings.strained else strain(mol)
        if rule is not None:
            return f'strained: {rule}'
        return 'hard to make' if sa_score(mol) > settings.max_sa_score else None


def _patterns(texts: Sequence[str] | None) -> list[tuple[str, Chem.Mol]]:
    patterns = []
    for text in texts or ():
        pattern = Chem.MolFromSmarts(text) if text else None
        if pattern is None:
            raise OscError(f'{text!r} is no SMARTS: write a pattern such as c1ccsc1, or [#7]-[#7]')
        patterns.append((text, pattern))
    return patterns
