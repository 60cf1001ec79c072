"""The seed set that ships with the package."""

from pathlib import Path

from aiida_osc.datasets.export import molecules_csv
from aiida_osc.datasets.sampling import draw
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.datasets.sources.source import Source
from aiida_osc.qc.levels import SA_SCORE, XTB_LEVELS
from aiida_osc.targets import get_target

#: Header, which is the written column -> the same with the canonical unit.
COLUMNS = {
    f'{name}@{level}': f'{name}:{get_target(name).unit}@{level}'
    for name, level in {**XTB_LEVELS, 'sa_score': SA_SCORE}.items()
}


def write_seed(target: str | Path, sample: int | None = None, seed: int = 0) -> None:
    """Write the seed set, or ``sample`` molecules of it drawn at random with ``seed``, as a CSV file."""
    table = load_seed()
    picked = table.take(draw(range(len(table)), sample, seed))
    Path(target).write_text(molecules_csv(picked), encoding='utf-8')


SOURCE = Source(
    name='seed',
    title='the seed set, organic semiconductors by family',
    citation='this package',
    doi='',
    licence='MIT, that of this package',
    url='aiida_osc/datasets/seed/README.md of this package',
    columns=COLUMNS,
    identifiers=('inchikey', 'source'),
    fetch=write_seed,
)
