"""A campaign of two iterations as stored nodes with real links and real tables, as the work chain would leave them."""

import io
import json

import numpy as np
import torch
from aiida.common.links import LinkType
from aiida.orm import CalcFunctionNode, CalcJobNode, Computer, Dict, FolderData, Int, WorkChainNode

from aiida_osc.active_learning.history import build_history, records_of
from aiida_osc.active_learning.promote import promote_molecules
from aiida_osc.active_learning.select import select_molecules
from aiida_osc.active_learning.settings import SelectionSettings, default_column, promotion_rules
from aiida_osc.chem.molecules import standardise
from aiida_osc.data.model import ModelData
from aiida_osc.data.molecule_set import MoleculeSetData
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.training.artifact import ModelArtifact

LEFT = ('c1ccccc1', 'c1ccsc1', 'c1ccc2ccccc2c1', 'N#CC', 'c1ccoc1', 'O=C1C=C(OC)C(=O)C=C1', 'c1ccc2[nH]c3ccccc3c2c1')
RIGHT = ('c1ccncc1', 'c1ccc2nsnc2c1', 'C(=O)C', 'c1cc2sccc2s1', 'OC', 'C=CC#N')
SPANS = {
    'ie_adiabatic': (5.6, 8.5),
    'ea_adiabatic': (0.0, 3.5),
    'lambda_hole': (0.05, 0.4),
    'lambda_electron': (0.1, 0.5),
    'homo': (-11.0, -9.0),
}
SELECTION = {'size': 4, 'control': True, 'tanimoto_cap': 0.9}
PROMOTION = {
    'p_type': {'scale': 'gas phase', 'windows': {'ie_adiabatic': [0, 6.8], 'lambda_hole': [0, 0.3]}},
    'n_type': {'scale': 'gas phase', 'windows': {'ea_adiabatic': [2.2, 9]}},
}


def molecules():
    """Return some forty distinct molecules, joined from two halves."""
    found = {}
    for left in LEFT:
        for right in RIGHT:
            item = standardise(f'{left}-{right}')
            found[item.inchikey] = item
    return list(found.values())


def labelled(items, source, seed):
    """Return a table with made-up labels."""
    rng = np.random.default_rng(seed)
    columns = {default_column(name): rng.uniform(*span, len(items)) for name, span in SPANS.items()}
    return MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], [source] * len(items), columns)


def model(kind, epoch=5):
    """Return a stored model without any use."""
    choice = {'choice': {'family': 'gp'}} if kind == 'surrogate' else {}
    config = {
        'format': 1,
        'kind': kind,
        'architecture': {},
        'targets': [str(default_column(name)) for name in SPANS],
        'training': {'progress': {'epoch': epoch, 'pieces': 2, 'epochs': 10}, **choice},
        'metrics': {'mae': 0.1},
        'data_hash': 'x',
        'versions': {'aiida-osc': '0.1', 'torch': '2.13.0'},
        'finished': True,
        'extra': {},
    }
    return ModelData(ModelArtifact(config, {'w': torch.full((1,), float(epoch))}))


class CampaignFactory:
    """Stores a campaign step by step."""

    def __init__(self, computer, label='demo campaign', state='finished', iterations=2):
        """Store the root and the initial training.

        :param computer: a stored computer, for the labelling jobs.
        """
        self.computer = computer
        self.root = WorkChainNode(process_type='aiida.workflows:osc.discovery', label=label)
        self.pool = molecules()
        self.initial = labelled(self.pool[:12], 'seed', 0)
        self.initial_node = MoleculeSetData(self.initial).store()
        inputs = {
            'molecules': self.initial_node,
            'seed': Int(7).store(),
            'budget': Dict({'iterations': 2, 'molecules': 8, 'generator_every': 1}).store(),
            'settings__selection': Dict(SELECTION).store(),
            'settings__promotion': Dict(PROMOTION).store(),
        }
        for name, node in inputs.items():
            self.root.base.links.add_incoming(node, LinkType.INPUT_WORK, name)
        self.inputs = inputs
        self.root.set_process_state('running')
        self.root.store()
        self.parts = {}
        self.known = self.initial_node
        self.surrogate = self.train('iteration_00_train_surrogate', 'surrogate', 0)
        self.generator = self.train('iteration_00_train_jtvae', 'jtvae', 0)
        self.next = 12
        for number in range(1, iterations + 1):
            self.iterate(number)
        if state == 'finished':
            self.finish()

    def process(self, cls, entry_point, link, label, inputs, outputs, caller=None, state='finished', create=None):
        """Store one process with its links and return it."""
        calc = issubclass(cls, CalcFunctionNode | CalcJobNode)
        group = 'calculations' if calc else 'workflows'
        options = {'computer': self.computer} if cls is CalcJobNode else {}
        node = cls(process_type=f'aiida.{group}:{entry_point}', label=label, **options)
        node.base.links.add_incoming(caller or self.root, LinkType.CALL_CALC if calc else LinkType.CALL_WORK, link)
        for name, data in inputs.items():
            node.base.links.add_incoming(
                data if data.is_stored else data.store(), LinkType.INPUT_CALC if calc else LinkType.INPUT_WORK, name
            )
        node.set_process_label(entry_point)
        node.set_process_state(state)
        if state == 'finished':
            node.set_exit_status(0)
        node.store()
        for name, data in outputs.items():
            data.base.links.add_incoming(node, LinkType.CREATE if calc else LinkType.RETURN, name)
            if not data.is_stored:
                data.store()
        return node

    def train(self, link, kind, number):
        """Store a training of two pieces and return the model."""
        step = f'osc.train_{kind}'
        chain = self.process(
            WorkChainNode, step, link, f'train the {kind}', {'molecules': self.known, 'seed': Int(7 + number)}, {}
        )
        piece, result = model(kind, 3), model(kind, 6 + number)
        inputs = {'molecules': self.known, 'seed': Int(7 + number)}
        self.process(CalcFunctionNode, step, 'piece_001', 'piece 1', inputs, {'model': piece}, chain)
        self.process(
            CalcFunctionNode, step, 'piece_002', 'piece 2', {**inputs, 'checkpoint': piece}, {'model': result}, chain
        )
        result.base.links.add_incoming(chain, LinkType.RETURN, 'model')
        return result

    def call(self, number, step, entry_point, inputs, outputs):
        """Store a calcfunction of an iteration."""
        return self.process(
            CalcFunctionNode,
            entry_point,
            f'iteration_{number:02d}_{step}',
            f'iteration {number}: {step}',
            inputs,
            outputs,
        )

    def iterate(self, number):
        """Store one iteration; the last molecule of each batch fails."""
        items = self.pool[self.next : self.next + 14]
        self.next += 14
        plain = MoleculeTable([m.smiles for m in items], [m.inchikey for m in items], ['jtvae'] * len(items))
        generated = MoleculeSetData(plain)
        seed = Int(7 + number).store()
        origins = [
            {'attempt': 3 * row, 'how': 'around', 'parents': ['c1ccsc1'], 'aim': 'p_type'} for row in range(len(items))
        ]
        self.call(
            number,
            'generate',
            'osc.sample_molecules',
            {'model': self.generator, 'seed': seed, 'known': self.known},
            {
                'molecules': generated,
                'report': Dict({'asked': 14}),
                'origins': Dict({'seed': 7 + number, 'molecules': dict(zip(plain.inchikeys, origins, strict=True))}),
            },
        )
        truth = labelled(items, 'jtvae', number)
        rng = np.random.default_rng(100 + number)
        mean_table = plain.with_columns({key: v + rng.normal(0, 0.1, len(v)) for key, v in truth.columns.items()})
        mean = MoleculeSetData(mean_table)
        sigma_table = plain.with_columns({key: np.full(len(items), 0.1) for key in truth.columns})
        sigma = MoleculeSetData(sigma_table)
        self.call(
            number, 'predict', 'osc.predict', {'model': self.surrogate, 'molecules': generated},
            {'mean': mean, 'sigma': sigma},
        )  # fmt: skip
        settings, rules = SelectionSettings.from_dict(SELECTION), promotion_rules(PROMOTION)
        chosen = select_molecules(mean_table, sigma_table, settings, rules=rules, seed=7 + number)
        batch, control = MoleculeSetData(chosen.batch), MoleculeSetData(chosen.control)
        self.call(
            number,
            'select',
            'osc.select_batch',
            {
                'mean': mean,
                'sigma': sigma,
                'settings': self.inputs['settings__selection'],
                'promotion': self.inputs['settings__promotion'],
                'seed': seed,
            },
            {'batch': batch, 'control': control, 'ranking': Dict(chosen.ranking)},
        )
        labels, failures = self.label(number, 'label', batch, truth)
        control_labels, control_failures = self.label(number, 'label_control', control, truth)
        merged = MoleculeSetData(self.known.load())
        self.call(number, 'collect', 'osc.merge', {'known': self.known, 'labels': labels}, {'molecules': merged})
        self.known = merged
        self.parts |= {
            f'generated_{number:02d}': plain,
            f'mean_{number:02d}': mean_table,
            f'sigma_{number:02d}': sigma_table,
            f'batch_{number:02d}': chosen.batch,
            f'control_{number:02d}': chosen.control,
            f'labels_{number:02d}': labels.load(),
            f'control_labels_{number:02d}': control_labels.load(),
            f'failures_{number:02d}': failures.get_dict(),
            f'control_failures_{number:02d}': control_failures.get_dict(),
        }
        self.surrogate = self.train(f'iteration_{number:02d}_train_surrogate', 'surrogate', number)

    def label(self, number, step, batch, truth):
        """Store a label work chain with its restart work chain and job; return labels and failures."""
        table = batch.load()
        rows = [truth.index()[key] for key in table.inchikeys]
        done, failed = truth.take(rows[:-1]), table.inchikeys[-1]
        chain = self.process(
            WorkChainNode,
            'osc.label',
            f'iteration_{number:02d}_{step}',
            f'iteration {number}: compute {len(table)} molecules',
            {'molecules': batch},
            {},
        )
        base = self.process(
            WorkChainNode, 'osc.base.fourpoint_batch', 'job_000', 'job 1', {'molecules': batch}, {}, chain
        )
        lines = [json.dumps({'key': key, 'status': 'ok'}) for key in done.inchikeys]
        folder = FolderData()
        folder.base.repository.put_object_from_filelike(io.BytesIO('\n'.join(lines).encode()), 'results.jsonl')
        part = MoleculeSetData(done)
        reason = {'smiles': table.smiles[-1], 'status': 'failed', 'stage': 'embed', 'reason': 'cannot be embedded'}
        self.process(
            CalcJobNode,
            'osc.fourpoint_batch',
            'iteration_01',
            'four-point batch',
            {'molecules': batch, 'parameters': Dict({'engine': 'tblite', 'seed': 7})},
            {
                'labels': part,
                'results': Dict({'versions': {'tblite': '0.8.0'}, 'ok': len(done), 'failed': 1, 'flagged': 0}),
                'retrieved': folder,
            },
            base,
        )
        labels = MoleculeSetData(done)
        totals = {'asked': len(table), 'labelled': len(done), 'cpu_seconds': 60.0, 'engine_seconds': 55.0}
        failures = Dict({'molecules': {failed: reason}, 'totals': totals})
        self.process(
            CalcFunctionNode,
            'osc.collect_labels',
            'collect',
            'collect',
            {'labels_000': part},
            {'labels': labels, 'failures': failures},
            chain,
        )
        for name, node in (('labels', labels), ('failures', failures)):
            node.base.links.add_incoming(chain, LinkType.RETURN, name)
        return labels, failures

    def finish(self):
        """Store promotion and history and end the campaign."""
        rules = promotion_rules(PROMOTION)
        table, report = promote_molecules(self.known.load(), rules)
        promoted, report_node = MoleculeSetData(table), Dict(report)
        for link, entry_point, outputs in (
            ('promote', 'osc.promote', {'promoted': promoted, 'report': report_node}),
            ('history', 'osc.record_history', {'history': self.history(rules)}),
        ):
            inputs = {'settings': self.inputs['settings__promotion'], 'labels': self.known}
            self.process(CalcFunctionNode, entry_point, link, link, inputs, outputs)
            for name, node in outputs.items():
                node.base.links.add_incoming(self.root, LinkType.RETURN, {'report': 'promotion'}.get(name, name))
        self.root.set_process_state('finished')
        self.root.set_exit_status(0)

    def history(self, rules):
        """Return the history of what was stored so far."""
        families = SelectionSettings.from_dict(SELECTION).families()
        return Dict(build_history(records_of(self.parts), families, rules, initial=self.initial))


def local_computer():
    """Return the computer of this machine, stored and configured."""
    computer = Computer.collection.find({'label': 'here'})
    if computer:
        return computer[0]
    computer = Computer(label='here', hostname='localhost', transport_type='core.local', scheduler_type='core.direct')
    computer.store().configure()
    return computer
