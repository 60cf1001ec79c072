"""Where labels come from: through collections and earlier campaigns back to the files that a program wrote."""

from collections.abc import Iterator

from aiida.common.links import LinkType
from aiida.orm import CalcJobNode, Dict, FolderData, Node, ProcessNode, load_node

from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.report.records import ChainLink, NodeRef

BATCH_JOB, DERIVED = 'osc.fourpoint_batch', 'osc.derive_fourpoint'
#: Processes that only pass labels on.
COLLECTIONS = ('osc.collect_labels', 'osc.merge')
RESULTS_FILE = 'results.jsonl'


def find_maker(labels: MoleculeSetData, inchikey: str) -> ProcessNode | None:
    """Return the process that computed the labels of a molecule; None when they were imported or given.

    :param labels: any set that holds the molecule with its labels.
    """
    seen: set[int | None] = set()
    while labels.creator is not None and labels.pk not in seen:
        seen.add(labels.pk)
        maker = labels.creator
        if not _is(maker, *COLLECTIONS):
            return maker
        sources = _sources(maker, inchikey)
        if not sources:
            return maker
        labels = sources[0]
    return None


def raw_outputs(pk: int, inchikey: str) -> Iterator[ChainLink]:
    """Yield the raw output files behind the labels of a molecule in the set ``pk``, and how to show them."""
    labels = load_node(pk)
    maker = find_maker(labels, inchikey) if isinstance(labels, MoleculeSetData) else None
    if maker is None:
        return
    if _is(maker, BATCH_JOB):
        yield _batch_link(maker, inchikey)
    elif _is(maker, DERIVED):
        yield _calculations_link(maker)


def _is(process: ProcessNode, *entry_points: str) -> bool:
    return (process.process_type or '').partition(':')[2] in entry_points


def _sources(maker: ProcessNode, inchikey: str) -> list[MoleculeSetData]:
    """Return the inputs that hold labels of the molecule, those of single calculations before those of batch jobs."""
    links = maker.base.links.get_incoming(MoleculeSetData, link_type=LinkType.INPUT_CALC).all()
    found: list[MoleculeSetData] = []
    for link in sorted(links, key=lambda item: item.link_label):
        node = link.node
        if link.link_label == 'molecules' or not isinstance(node, MoleculeSetData):
            continue
        table = node.load()
        if table.columns and inchikey in table.inchikeys:
            found.append(node)
    return found


def _batch_link(job: ProcessNode, inchikey: str) -> ChainLink:
    """Return the line of a batch job's results."""
    outputs = job.outputs
    retrieved = outputs.retrieved if 'retrieved' in outputs else None
    parameters = job.inputs.parameters.get_dict() if 'parameters' in job.inputs else {}
    versions = outputs.results.get_dict().get('versions', {}) if 'results' in outputs else {}
    facts = (
        ('file', f'{RESULTS_FILE}{_line(retrieved, inchikey)}'),
        ('show it', f'verdi calcjob outputcat {job.pk} {RESULTS_FILE}'),
        ('seed', str(parameters.get('seed', 0))),
        ('engine', str(parameters.get('engine', 'tblite'))),
        ('versions', ', '.join(f'{name} {value}' for name, value in sorted(versions.items()))),
    )
    files = () if retrieved is None else (_ref(retrieved, 'files'),)
    return ChainLink('The raw output of the labelling job', (_ref(job, 'job'), *files), facts)


def _calculations_link(maker: ProcessNode) -> ChainLink:
    """Return the output files of the single calculations that labels were derived from."""
    links = maker.base.links.get_incoming(Dict, link_type=LinkType.INPUT_CALC).all()
    jobs = {link.link_label: link.node.creator for link in links if isinstance(link.node.creator, CalcJobNode)}
    facts = tuple(
        (name.replace('_', ' '), f'verdi calcjob outputcat {job.pk} {job.get_option("output_filename") or ""}'.strip())
        for name, job in sorted(jobs.items())
    )
    nodes = (_ref(maker, 'derivation'), *(_ref(job, name) for name, job in sorted(jobs.items())))
    return ChainLink('The raw outputs of its calculations', nodes, facts)


def _line(retrieved: FolderData | None, inchikey: str) -> str:
    """Return the line of the molecule in the raw file, as text."""
    if retrieved is None or RESULTS_FILE not in retrieved.base.repository.list_object_names():
        return ''
    with retrieved.base.repository.open(RESULTS_FILE, 'r') as handle:
        lines = [place for place, line in enumerate(handle, start=1) if inchikey in line]
    return f', line {lines[-1]}' if lines else ''


def _ref(node: Node, what: str) -> NodeRef:
    return NodeRef(node.uuid, int(node.pk or 0), what)
