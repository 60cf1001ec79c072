"""The chain of one molecule: from the raw output to the model that proposed it and the data behind that model."""

import difflib
from collections.abc import Iterator

from aiida.orm import ProcessNode, QueryBuilder

from aiida_osc.errors import OscError
from aiida_osc.generator.sample_settings import AROUND, ASCENT, BETWEEN, PRIOR
from aiida_osc.provenance.campaign import STEP, TRAININGS, CampaignReader
from aiida_osc.provenance.graph import Process
from aiida_osc.provenance.molecules import Iteration, molecule_records
from aiida_osc.provenance.origin import raw_outputs
from aiida_osc.report.records import BATCH, PREDICTED, ChainLink, MoleculeRecord, NodeRef, Number
from aiida_osc.report.words import family, number, unit

NEAR_MATCHES = 3
#: How a latent vector was made -> in words.
LATENT = {
    PRIOR: 'drawn from the prior',
    AROUND: 'near that of its parent',
    BETWEEN: 'between those of its parents',
    ASCENT: 'bred from the best molecules before it',
}


def molecule_chain(node: ProcessNode, inchikey: str) -> list[ChainLink]:
    """Return where the molecule and its numbers come from, the raw output first.

    :param inchikey: the key, or the beginning of one.
    :raises OscError: when the campaign does not know the molecule; the message has near matches.
    """
    reader = CampaignReader(node)
    iterations = list(reader.iterations())
    key = _find_key(inchikey, reader, iterations)
    chosen = [item for step in iterations for item in molecule_records(step, {}) if item.inchikey == key]
    if chosen:
        step = next(item for item in iterations if item.number == chosen[0].iteration)
        links = list(_chosen(reader, step, chosen[0]))
    else:
        links = [link for step in iterations if key in step.candidates for link in _proposed(reader, step, key)]
    return [*links, *_initial(reader, key)]


def _find_key(text: str, reader: CampaignReader, iterations: list[Iteration]) -> str:
    """Return the InChIKey that ``text`` means."""
    known = list(reader.load(reader.tree.root.inputs['molecules']).inchikeys)
    for step in iterations:
        for name in ('generated', 'batch', 'control'):
            known += step.content(name).inchikeys if name in step.parts else ()
    known = list(dict.fromkeys(known))
    wanted = text.strip().upper()
    starts = [key for key in known if key.startswith(wanted)] if wanted else []
    if wanted in starts or len(starts) == 1:
        return wanted if wanted in starts else starts[0]
    near = starts[:NEAR_MATCHES] or difflib.get_close_matches(wanted, known, NEAR_MATCHES, 0.0)
    problem = f'{len(starts)} molecules begin with' if starts else 'this campaign has no molecule'
    raise OscError(
        f'{problem} {text!r}; did you mean {" or ".join(near)}? All keys stand in molecules.csv of the report'
    )


def _chosen(reader: CampaignReader, step: Iteration, molecule: MoleculeRecord) -> Iterator[ChainLink]:
    """Yield the chain of a molecule that was chosen for computing."""
    yield from _result(reader, step, molecule)
    yield _selection(reader, step, molecule)
    numbers = [item for item in molecule.numbers if item.kind == PREDICTED]
    yield from _models(reader, step, molecule.inchikey, numbers)


def _result(reader: CampaignReader, step: Iteration, molecule: MoleculeRecord) -> Iterator[ChainLink]:
    """Yield the raw output and the labels read from it."""
    found = step.labelled.get(molecule.inchikey)
    if found is None:
        reason = molecule.reason or 'its job has not ended yet'
        yield ChainLink(f'It has no labels ({molecule.status.replace("_", " ")}): {reason}', ())
        return
    yield from raw_outputs(found.node.pk, molecule.inchikey)
    labels = tuple((item.column.target, _text(item)) for item in molecule.numbers if item.node == found.node)
    yield ChainLink('The labels read from it', (NodeRef(found.node.uuid, found.node.pk, 'labels'),), labels)


def _selection(reader: CampaignReader, step: Iteration, molecule: MoleculeRecord) -> ChainLink:
    """Return why the molecule was chosen."""
    seed = None if step.select is None else reader.load(step.select.inputs.get('seed'))
    facts = [('seed', str(seed))]
    nodes = () if step.select is None else (step.select.ref('selection'),)
    if molecule.role != BATCH:
        title = f'Drawn at random for the control of iteration {molecule.iteration}'
        return ChainLink(title, nodes, tuple(facts))
    entry = next(item for item in step.content('ranking')['molecules'] if item['inchikey'] == molecule.inchikey)
    facts += [('front', str(entry['front'])), ('place in the batch', str(entry['rank']))]
    if entry.get('outside') is not None:
        facts.append(('may lie in the windows', 'no' if entry['outside'] else 'yes'))
    facts += [(f'optimistic {key.partition("@")[0]}', f'{value:.3f}') for key, value in entry['acquisition'].items()]
    return ChainLink(f'Chosen as {family(molecule.family)} in iteration {molecule.iteration}', nodes, tuple(facts))


def _proposed(reader: CampaignReader, step: Iteration, key: str) -> Iterator[ChainLink]:
    """Yield the chain of a molecule that was proposed but not chosen."""
    yield ChainLink(f'Proposed in iteration {step.number}, not chosen and not computed', ())
    row, mean, sigma = step.candidates[key], step.content('mean'), step.content('sigma')
    node = step.parts['mean'][0]
    numbers = [
        Number(column, float(mean.values(column)[row]), float(sigma.values(column)[row]), PREDICTED, node)
        for column in sigma.columns
    ]
    yield from _models(reader, step, key, numbers)


def _models(reader: CampaignReader, step: Iteration, key: str, numbers: list[Number]) -> Iterator[ChainLink]:
    """Yield prediction, surrogate, proposal and generator."""
    if step.predict is not None:
        facts = tuple((item.column.target, _text(item)) for item in numbers)
        nodes = (step.predict.ref('prediction'), *(ref for ref in (step.node('mean'),) if ref is not None))
        yield ChainLink('Predicted before it was computed', nodes, facts)
        yield _training(reader, step.predict.inputs['model'], 'surrogate')
    if step.generate is not None:
        nodes = (step.generate.ref('proposal'), *(ref for ref in (step.node('generated'),) if ref is not None))
        facts = tuple(_origin(reader, step.generate, key))
        yield ChainLink(f'Proposed by the generator in iteration {step.number}', nodes, facts)
        yield _training(reader, step.generate.inputs['model'], 'generator')


def _origin(reader: CampaignReader, generate: Process, key: str) -> Iterator[tuple[str, str]]:
    """Yield seed and number of the decoding that gave a molecule, and the molecules its latent vector was made from."""
    yield 'seed', str(reader.load(generate.inputs.get('seed')))
    entry = ((reader.load(generate.outputs.get('origins')) or {}).get('molecules') or {}).get(key)
    if entry is None:
        return
    yield 'decoding', str(entry['attempt'])
    yield 'latent vector', LATENT[entry['how']]
    for parent in entry['parents']:
        yield 'parent', parent
    if 'aim' in entry:
        yield 'led to the windows of', family(entry['aim'])


def _training(reader: CampaignReader, model: NodeRef, name: str) -> ChainLink:
    """Return which data and seed a model was trained with."""
    reference = NodeRef(model.uuid, model.pk, name)
    training = next((item for item in _trainings(reader) if item.outputs['model'].pk == model.pk), None)
    if training is None:
        return ChainLink(f'The {name} was given to the campaign', (reference,))
    source = training.inputs['molecules']
    pieces = [item for item in reader.tree.children(training.pk) if 'model' in item.outputs]
    facts = (
        ('seed', str(reader.load(training.inputs.get('seed')))),
        ('trained on', f'{len(reader.load(source))} molecules'),
        ('pieces', ', '.join(str(item.pk) for item in pieces) or 'one'),
    )
    nodes = (reference, training.ref('training'), NodeRef(source.uuid, source.pk, 'data'))
    return ChainLink(f'The {name} of that iteration', nodes, facts)


def _trainings(reader: CampaignReader) -> Iterator[Process]:
    for process in reader.tree.children():
        found = STEP.match(process.call)
        if found and found[2] in TRAININGS and 'model' in process.outputs:
            yield process


def _initial(reader: CampaignReader, key: str) -> Iterator[ChainLink]:
    """Yield the data that the campaign started from, and what made them."""
    ref = reader.tree.root.inputs['molecules']
    table = reader.load(ref)
    row = table.index().get(key)
    title = 'The data that the campaign started from' if row is None else 'The molecule is one of the initial data'
    facts = [('molecules', str(len(table)))]
    if row is not None:
        facts += [('source', table.source[row])]
        facts += [(str(column), f'{values[row]:.3f}') for column, values in table.columns.items()]
    nodes = [NodeRef(ref.uuid, ref.pk, 'initial data')]
    query = QueryBuilder().append(ProcessNode, tag='maker', project=['uuid', 'id', 'attributes.process_label'])
    query.append(
        type(reader._data[ref.pk]), with_incoming='maker', filters={'id': ref.pk}, edge_filters={'type': 'create'}
    )
    nodes += [NodeRef(uuid, pk, f'made by {label}') for uuid, pk, label in query.all()]
    yield ChainLink(title, tuple(nodes), tuple(facts))


def _text(item: Number) -> str:
    spread = '' if item.sigma is None else f' ± {number(item.sigma, item.column)}'
    return f'{number(item.value, item.column)}{spread} {unit(item.column)} at {item.column.level}'.replace('  ', ' ')
