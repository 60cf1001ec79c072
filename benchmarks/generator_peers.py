"""The generator beside its peers: the same oracle, the same number of calls, the same filters.

The oracle is a Gaussian process trained on the seed set, and what it predicts is taken for the truth: of the p-type
family adiabatic IE and hole reorganisation energy, and the synthetic accessibility. All methods start from the
molecules that the generator was trained on. Prints one table: how many distinct molecules were scored per decoding or
child, how they look, and the hypervolume and hits after the last call, as mean and standard deviation over the seeds.

Fragments for CReM (doi 10.1186/s13321-020-00431-w) are made beforehand by its own command, from the training molecules
that ``--write-smiles`` writes: ``cremdb_create``; without ``--crem-db`` that peer is left out. There is no
Frechet distance: no package that is a dependency ships the weights of such a network.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from graph_genetic import child
from rdkit import Chem, DataStructs

from aiida_osc.active_learning.ascent import LatentAscent
from aiida_osc.active_learning.history import box_of
from aiida_osc.active_learning.pareto import hypervolume
from aiida_osc.active_learning.scoring import OptimisticCost
from aiida_osc.active_learning.settings import SelectionSettings, default_column
from aiida_osc.chem.fingerprints import max_similarity, morgan
from aiida_osc.chem.molecules import MoleculeError, standardise_mol
from aiida_osc.chem.scaffolds import scaffold
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.datasets.seed_set import load_seed
from aiida_osc.generator.filters import MoleculeFilter
from aiida_osc.generator.generator import Generator
from aiida_osc.generator.latents import find_anchors
from aiida_osc.generator.sample_settings import SampleSettings
from aiida_osc.surrogate.fit import fit_surrogate_piece
from aiida_osc.surrogate.settings import SurrogateSettings
from aiida_osc.surrogate.surrogate import Surrogate
from aiida_osc.training.artifact import ModelArtifact

TARGETS = ('ie_adiabatic', 'lambda_hole', 'sa_score')
COLUMNS = [default_column(target) for target in TARGETS]
#: What a hit is.
WINDOWS = {'ie_adiabatic': [0.0, 6.8], 'lambda_hole': [0.0, 0.15]}
MAX_SA = 4.0
POPULATION, CHILDREN = 100, 50


class Oracle:
    """The predictions that count as the truth, and one cost that every method climbs down."""

    def __init__(self, surrogate: Surrogate, known: Sequence[str]) -> None:
        settings = SelectionSettings.from_dict(
            {'beta': 0.0, 'objectives': {'p_type': [{'target': name, 'direction': 'min'} for name in TARGETS]}}
        )
        self.surrogate, self.objectives = surrogate, settings.families()['p_type']
        self.cost = OptimisticCost(surrogate, settings, known)
        self.box = box_of(self.table(known), self.objectives)

    def table(self, smiles: Sequence[str]) -> MoleculeTable:
        """Return the predictions with made-up keys, as SMILES alone tell the molecules apart here."""
        prediction = self.surrogate.predict(smiles, similarity=False)
        table = MoleculeTable(smiles, smiles, ['peer'] * len(smiles))
        return table.with_columns(dict(zip(prediction.columns, prediction.mean.T, strict=True)))

    def values(self, smiles: Sequence[str]) -> np.ndarray:
        """Return the predictions, shape ``(molecules, targets)``."""
        table = self.table(smiles)
        return np.column_stack([table.values(column) for column in COLUMNS])


@dataclass
class Run:
    """The distinct new molecules that a method had scored, in order, and what it took to make them."""

    smiles: list[str] = field(default_factory=list)
    attempts: int = 0
    valid: int = 0
    repeated: int = 0
    seconds: float = 0.0


class Judge:
    """The generator's own filters, for the peers."""

    def __init__(self, known: Sequence[str]) -> None:
        self.filter = MoleculeFilter(SampleSettings())
        self.seen = {_key(text) for text in known}

    def accepts(self, text: str | None, run: Run) -> bool:
        """Return whether a molecule is new and passes, and count it."""
        run.attempts += 1
        mol = None if text is None else Chem.MolFromSmiles(text)
        if mol is None:
            return False
        run.valid += 1
        try:
            key = standardise_mol(mol).inchikey[:14]
        except MoleculeError:
            return False
        if key in self.seen:
            run.repeated += 1
            return False
        self.seen.add(key)
        return self.filter.reason(mol) is None


def evolve(
    oracle: Oracle, known: Sequence[str], budget: int, offspring: Callable[[list[str]], Iterator[str | None]]
) -> Run:
    """Return the run of an evolution that starts from the best known molecules."""
    run, judge = Run(), Judge(known)
    costs = dict(zip(known, oracle.cost(known)[:, 0], strict=True))
    parents = sorted(costs, key=costs.__getitem__)[:POPULATION]
    while len(run.smiles) < budget and run.attempts < 50 * budget:
        room = min(CHILDREN, budget - len(run.smiles))
        new: list[str] = []
        for text in offspring(parents):
            if judge.accepts(text, run):
                new.append(str(text))
            if len(new) == room or run.attempts >= 50 * budget:
                break
        run.smiles += new
        costs |= dict(zip(new, oracle.cost(new)[:, 0], strict=True)) if new else {}
        parents = sorted([*parents, *new], key=costs.__getitem__)[:POPULATION]
    return run


def genetic(oracle: Oracle, known: Sequence[str], budget: int, seed: int) -> Run:
    """Return the run of the graph genetic algorithm; parents are drawn by rank."""
    rng = random.Random(seed)

    def offspring(parents: list[str]) -> Iterator[str | None]:
        weights = [1.0 / (10 + rank) for rank in range(len(parents))]
        while True:
            yield child(*rng.choices(parents, weights, k=2), rng)

    return evolve(oracle, known, budget, offspring)


def crem(database: str) -> Callable[[Oracle, Sequence[str], int, int], Run]:
    """Return the method that exchanges fragments for others seen in the same surroundings."""
    from crem.crem import mutate_mol

    def method(oracle: Oracle, known: Sequence[str], budget: int, seed: int) -> Run:
        rng = random.Random(seed)

        def offspring(parents: list[str]) -> Iterator[str | None]:
            for _ in range(20 * len(parents)):
                mol = Chem.MolFromSmiles(rng.choice(parents))
                found = list(
                    mutate_mol(mol, database, radius=1, max_size=12, min_inc=-6, max_inc=6, max_replacements=20)
                )
                yield from rng.sample(found, min(2, len(found)))

        return evolve(oracle, known, budget, offspring)

    return method


def picks(oracle: Oracle, known: Sequence[str], budget: int, seed: int) -> Run:
    """Return random training molecules."""
    chosen = random.Random(seed).sample(list(known), min(budget, len(known)))
    return Run(chosen, len(chosen), len(chosen))


def sampled(model: Generator, **options: object) -> Callable[[Oracle, Sequence[str], int, int], Run]:
    """Return the method that samples from the generator, conditioned or not, with an ascent when so asked."""

    def method(oracle: Oracle, known: Sequence[str], budget: int, seed: int) -> Run:
        ascent = options.get('strategy') == 'ascent'
        size = {'count': budget, 'max_attempts': 50, 'oversample': 1}
        settings = SampleSettings.from_dict({**size, **options})
        source = LatentAscent(model, find_anchors(model, list(known)), oracle.cost, settings) if ascent else None
        result = model.sample(settings, seed=seed, source=source)
        attempts, rejected = result.report['attempts'], result.report['rejected']
        repeated = rejected.get('duplicate', 0) + rejected.get('known', 0)
        return Run(list(result.molecules.smiles), attempts, round(result.report['valid'] * attempts), repeated)

    return method


def figures(run: Run, oracle: Oracle, known: Sequence[str]) -> dict[str, float]:
    """Return the figures of one run."""
    values = oracle.values(run.smiles)
    costs = np.column_stack([item.cost(values[:, place]) for place, item in enumerate(oracle.objectives)])
    prints = morgan(run.smiles)
    rng = np.random.default_rng(0)
    pairs = rng.integers(len(prints), size=(2000, 2))
    likeness = [DataStructs.TanimotoSimilarity(prints[a], prints[b]) for a, b in pairs if a != b]
    inside = np.all([(values[:, place] <= WINDOWS[name][1]) for place, name in enumerate(TARGETS[:2])], axis=0)
    return {
        'scored': len(run.smiles),
        'valid %': 100 * run.valid / max(run.attempts, 1),
        'unique and new %': 100 * (run.valid - run.repeated) / max(run.valid, 1),
        'diversity': 1 - float(np.mean(likeness)),
        'scaffolds': len({scaffold(Chem.MolFromSmiles(text)) for text in run.smiles}),
        'SA': float(values[:, 2].mean()),
        'nearest known': float(max_similarity(run.smiles, known).mean()),
        'hits': int((inside & (values[:, 2] <= MAX_SA)).sum()),
        'best IE': float(values[:, 0].min()),
        'hypervolume': hypervolume(costs, oracle.box.ideal, oracle.box.reference),
        'CPU-s': run.seconds,
    }


def train_oracle() -> Surrogate:
    """Return a Gaussian process of the seed set."""
    columns = [str(column) for column in COLUMNS]
    settings = SurrogateSettings.from_dict({'family': 'gp', 'columns': columns})
    return Surrogate.from_artifact(fit_surrogate_piece(load_seed(), settings, seed=0))


def conditioned_error(model: Generator, oracle: Oracle) -> list[str]:
    """Return how far conditioned samples are from the middle of narrow windows, beside unconditioned ones."""
    lines = []
    for middle in (6.5, 7.5):
        window = {'ie_adiabatic': [middle - 0.2, middle + 0.2]}
        ways = {'not led': {'guided': 0.0, 'keep_outside': True}, 'led': {'keep_outside': True}, 'led and kept': {}}
        for name, options in ways.items():
            settings = SampleSettings.from_dict({'count': 50, 'windows': window, 'max_attempts': 60, **options})
            values = oracle.values(model.sample(settings, seed=0).molecules.smiles)[:, 0]
            share = np.mean(np.abs(values - middle) <= 0.2)
            lines.append(
                f'IE {middle - 0.2:.1f} to {middle + 0.2:.1f} eV, {name}: mean distance from the middle '
                f'{np.abs(values - middle).mean():.2f} eV, {100 * share:.0f} % inside'
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', required=True, help='folder of a trained generator')
    parser.add_argument('--budget', type=int, default=300, help='oracle calls')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--crem-db', help='fragment database of CReM')
    parser.add_argument('--write-smiles', help='write the training molecules there and stop')
    arguments = parser.parse_args()
    model = Generator.from_artifact(ModelArtifact.load(arguments.model))
    if arguments.write_smiles:
        Path(arguments.write_smiles).write_text('\n'.join(model.memory) + '\n')
        return
    oracle = Oracle(train_oracle(), model.memory)
    methods = {
        'training molecules': picks,
        'JT-VAE, mixed': sampled(model),
        'JT-VAE, windows': sampled(model, windows=WINDOWS, keep_outside=True),
        'JT-VAE, ascent': sampled(model, strategy='ascent'),
        'JT-VAE, ascent in windows': sampled(model, strategy='ascent', windows=WINDOWS, keep_outside=True),
        'graph GA': genetic,
        **({'CReM': crem(arguments.crem_db)} if arguments.crem_db else {}),
    }
    print(f'reconstruction (top 1) of 100 training molecules: {100 * model.reconstruct(model.memory[:100]):.0f} %')
    print('\n'.join(conditioned_error(model, oracle)))
    header: list[str] = []
    for name, method in methods.items():
        rows = []
        for seed in range(arguments.seeds):
            start = time.process_time()
            run = method(oracle, model.memory, arguments.budget, seed)
            run.seconds = time.process_time() - start
            rows.append(figures(run, oracle, model.memory))
        if not header:
            header = list(rows[0])
            print('| method | ' + ' | '.join(header) + ' |\n|' + '---|' * (len(header) + 1))
        cells = [np.array([row[key] for row in rows]) for key in header]
        print(f'| {name} | ' + ' | '.join(f'{item.mean():.4g} ± {item.std():.2g}' for item in cells) + ' |', flush=True)


def _key(smiles: str) -> str:
    return Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))[:14]


if __name__ == '__main__':
    main()
