"""What the tests of the cluster do inside AiiDA: ``verdi run`` with a command prints one line of JSON."""

import json
import sys
from pathlib import Path

from aiida.engine import run_get_node, submit
from aiida.orm import CalcJobNode, Dict, InstalledCode, Log, QueryBuilder, load_code, load_computer, load_node
from aiida.plugins import CalculationFactory, WorkflowFactory


def submit_batch(executable, memory_mb, *smiles):
    """Submit a four-point batch of one job to the cluster, by the executable in the place of its Python."""
    from aiida_osc.chem.molecules import standardise
    from aiida_osc.data.molecule_set import MoleculeSetData
    from aiida_osc.datasets.molecule_table import MoleculeTable

    code = InstalledCode(
        label=Path(executable).name,
        computer=load_computer('osc-cluster'),
        filepath_executable=executable,
        default_calc_job_plugin='osc.fourpoint_batch',
        with_mpi=False,
    ).store()
    molecules = [standardise(item) for item in smiles]
    keys = tuple(item.inchikey for item in molecules)
    table = MoleculeTable(tuple(item.smiles for item in molecules), keys, ('test',) * len(keys))
    options = {
        'max_wallclock_seconds': 3600,
        'max_memory_kb': int(memory_mb) * 1024,
        'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2},
    }
    batch = {'code': code, 'molecules': MoleculeSetData(table), 'metadata': {'options': options}}
    return {'pk': submit(WorkflowFactory('osc.base.fourpoint_batch'), batch=batch).pk}


def describe(pk):
    """Return how a process ended and what it called."""
    node = load_node(int(pk))
    return {
        'state': node.process_state.value,
        'paused': node.paused,
        'exit_status': node.exit_status,
        'report': [entry.message for entry in Log.collection.get_logs_for(node)],
        'labels': node.outputs.labels.count if 'labels' in node.outputs else 0,
        'jobs': [_job(job) for job in sorted(_jobs(node), key=lambda item: item.pk)],
    }


def _jobs(node):
    return [item for item in (node, *getattr(node, 'called_descendants', ())) if isinstance(item, CalcJobNode)]


def _job(node):
    results = node.outputs.results.get_dict() if 'results' in node.outputs else {}
    return {
        'pk': node.pk,
        'job_id': node.get_job_id(),
        'exit_status': node.exit_status,
        'paused': node.paused,
        'status': node.process_status,
        'computer': node.computer.label,
        'folder': node.get_remote_workdir(),
        'retrieved': node.outputs.retrieved.base.repository.list_object_names() if 'retrieved' in node.outputs else [],
        'finished': results.get('total'),
        'energy': results.get('properties', {}).get('return_energy'),
    }


def last_process():
    """Return the pk of the newest work chain that nothing called."""
    from aiida.orm import WorkChainNode

    query = QueryBuilder().append(WorkChainNode, project='id').order_by({WorkChainNode: {'id': 'desc'}})
    return {'pk': next(pk for (pk,) in query.iterall() if load_node(pk).caller is None)}


def submit_script(executable):
    """Return the folder with the script of a job that runs an executable under the launch lock, not submitted."""
    from aiida_osc.calculations.launch_lock import APPEND, PREPEND

    computer = load_computer('osc-cluster')
    code = InstalledCode(label='counter', computer=computer, filepath_executable=executable).store()
    resources = {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
    options = {'prepend_text': PREPEND, 'append_text': APPEND, 'resources': resources}
    builder = CalculationFactory('core.templatereplacer').get_builder()
    builder.code = code
    builder.template = Dict({'files_to_copy': []})
    builder.metadata = {'options': options, 'dry_run': True, 'store_provenance': False}
    _, node = run_get_node(builder)
    return {'folder': node.dry_run_info['folder'], 'script': node.dry_run_info['script_filename']}


def submit_psi4():
    """Submit HF/STO-3G of water to the cluster."""
    from aiida_osc.calculations.structures import structure_from

    structure = structure_from(('O', 'H', 'H'), [[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]])
    parameters = Dict({'driver': 'energy', 'model': {'method': 'HF', 'basis': 'STO-3G', 'dispersion': ''}})
    builder = CalculationFactory('osc.psi4').get_builder()
    builder.code = load_code('psi4@osc-cluster')
    builder.structure = structure
    builder.parameters = parameters
    builder.metadata.options = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}}
    return {'pk': submit(builder).pk}


if __name__ == '__main__':
    command, *arguments = sys.argv[1:]
    print(json.dumps(globals()[command](*arguments)))
