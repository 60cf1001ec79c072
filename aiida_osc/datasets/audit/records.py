"""What an audit says, as plain records."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: Kinds of findings: against the definition of the property, against what relaxation does, far from the others.
IMPOSSIBLE, SUSPECT, OUTLIER = 'impossible', 'suspect', 'outlier'
KINDS = (IMPOSSIBLE, SUSPECT, OUTLIER)


@dataclass(frozen=True)
class Finding:
    """A value that somebody should look at; ``value`` is in the unit of the column."""

    kind: str
    column: str
    inchikey: str
    smiles: str
    value: float
    reason: str


@dataclass(frozen=True)
class Histogram:
    """Numbers of molecules in bins of equal width from ``low`` to ``high``; what lies outside is in the end bins."""

    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ColumnAudit:
    """One column; statistics are None without labels.

    :param share: labels over molecules.
    :param flags: what is wrong with the column as a whole.
    """

    column: str
    unit: str
    labels: int
    share: float
    low: float | None
    median: float | None
    high: float | None
    mean: float | None
    std: float | None
    impossible: int
    suspect: int
    outliers: int
    flags: tuple[str, ...]
    histogram: Histogram | None


@dataclass(frozen=True)
class TargetAudit:
    """One property that aiida-osc knows, whether the set has it or not.

    :param computed: ``aiida-osc data describe`` can add it.
    :param molecules: with a value at any level.
    """

    target: str
    computed: bool
    molecules: int
    levels: tuple[str, ...]


@dataclass(frozen=True)
class LevelAudit:
    """One level of theory in one environment: its targets, and the molecules with any and with all of them."""

    level: str
    environment: str
    targets: tuple[str, ...]
    any: int
    all: int


@dataclass(frozen=True)
class Duplicates:
    """Groups of molecules that are the same but for something.

    :param kind: ``stereo`` for equal first blocks of the InChIKey, or ``tautomer``.
    :param examples: InChIKeys of the first groups.
    """

    kind: str
    groups: int
    molecules: int
    examples: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class StructureAudit:
    """The molecules themselves.

    :param elements: element -> molecules that hold it.
    :param sizes: heavy atoms -> molecules.
    :param unparsable: InChIKeys of the first rows whose SMILES is no molecule.
    """

    elements: Mapping[str, int]
    sizes: Mapping[int, int]
    unparsable_count: int
    unparsable: tuple[str, ...]
    duplicates: tuple[Duplicates, ...]


@dataclass(frozen=True)
class SetAudit:
    """One set.

    :param common_test: molecules in the common test split.
    :param findings: the first of each kind and column, the worst first; their numbers stand with the columns.
    """

    name: str
    molecules: int
    content_hash: str
    sources: Mapping[str, int]
    common_test: int
    columns: tuple[ColumnAudit, ...]
    targets: tuple[TargetAudit, ...]
    levels: tuple[LevelAudit, ...]
    structures: StructureAudit
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Overlap:
    """Molecules that two sets share; ``skeletons`` counts stereoisomers as equal."""

    first: str
    second: str
    molecules: int
    skeletons: int
    common_test: int


@dataclass(frozen=True)
class Audit:
    """The audit of one or more sets."""

    sets: tuple[SetAudit, ...]
    overlaps: tuple[Overlap, ...]
    settings: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON types."""
        found = asdict(self)
        for item in found['sets']:
            sizes = item['structures']['sizes']
            item['structures']['sizes'] = {str(size): count for size, count in sizes.items()}
        return found
