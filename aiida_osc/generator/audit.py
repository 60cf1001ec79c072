"""How well a set of molecules decomposes into motifs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aiida_osc.generator.preprocess import decompose_table
from aiida_osc.generator.stereo import count_marked
from aiida_osc.generator.vocabulary import Vocabulary, build_vocabulary


@dataclass(frozen=True)
class MotifAudit:
    """What :func:`audit_motifs` found.

    :param exact: molecules whose motifs reassemble to the same canonical SMILES, stereo marks included.
    :param rejected: place of each other molecule -> reason.
    :param vocabulary: motifs and joints of the exact ones.
    :param motifs: kind, text, number of occurrences and of molecules of each motif, the most frequent first.
    :param largest: motifs of the molecule that has most.
    :param marked: exact ones with stereo marks, which decomposition keeps and a generator does not learn.
    """

    count: int
    exact: int
    rejected: dict[int, str]
    vocabulary: Vocabulary
    motifs: list[tuple[str, str, int, int]]
    largest: int
    marked: int

    def reasons(self) -> list[tuple[str, int]]:
        """Return each reason of rejection and how often it came."""
        return Counter(self.rejected.values()).most_common()


def audit_motifs(smiles: Sequence[str], least: int = 2, *, jobs: int = 1) -> MotifAudit:
    """Return how many molecules decompose and reassemble exactly, why others do not, and their vocabulary.

    :param least: molecules that must share an acyclic motif for it to stay whole.
    :param jobs: processes.
    """
    done = decompose_table(smiles, least, jobs=jobs)
    vocabulary = build_vocabulary(done.trees)
    holders = Counter(key for tree in done.trees for key in {node.motif.key for node in tree.nodes})
    rows = [
        (motif.kind, motif.key.partition(':')[2], count, holders[motif.key])
        for motif, count in zip(vocabulary.motifs, vocabulary.counts, strict=True)
    ]
    largest = max((len(tree) for tree in done.trees), default=0)
    marked = count_marked(smiles[row] for row in done.rows)
    return MotifAudit(len(smiles), len(done.rows), done.rejected, vocabulary, rows, largest, marked)
