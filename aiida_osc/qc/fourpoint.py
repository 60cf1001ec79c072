"""Read what the four-point batch runner wrote: records of ``results.jsonl`` to tables, with checks and reasons.

Four-point (Nelsen) scheme: every energy at charge q on the geometry optimised at charge p, doi 10.1021/ja00254a001.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rdkit import Chem

from aiida_osc.datasets.columns import GAS, Column
from aiida_osc.datasets.geometry_table import Geometry, GeometryTable
from aiida_osc.datasets.molecule_table import MoleculeTable
from aiida_osc.errors import OscError
from aiida_osc.qc.fourpoint_runner.checks import NOISE
from aiida_osc.qc.levels import XTB_GEOMETRY, XTB_LEVELS
from aiida_osc.targets import TARGETS

#: One line of ``results.jsonl`` as a plain dictionary.
Record = dict[str, Any]

OK, FLAGGED, FAILED = 'ok', 'flagged', 'failed'
STATUSES = (OK, FLAGGED, FAILED)
CHARGES = (0, 1, -1)
#: An ion relaxes downwards. At a geometry of another level its energy may end higher by some noise; beyond that many eV
#: the geometry is one of another electronic state, and neither IE nor lambda mean anything (pyridine: 0.23 eV).
OTHER_STATE = 0.1
#: The values that need the minimum of an ion: adiabatic and reorganisation energy.
RELAXED = {'cation': ('ie_adiabatic', 'lambda_hole'), 'anion': ('ea_adiabatic', 'lambda_electron')}
#: Longer lines are not ours: 300 atoms at three charges take about 60 kB.
MAX_LINE = 4_000_000


def read_results(lines: Iterable[str]) -> list[Record]:
    """Return the usable records, the last one of each molecule, in the order of first appearance.

    Damaged lines (a job killed while writing, bytes lost on the way) are left out: :func:`missing` then names their
    molecules. An ``ok`` record whose numbers are not plausible comes back as ``flagged`` with the reason; why one lost
    values to :func:`drop_untrusted` is in ``dropped``.

    :param lines: lines of ``results.jsonl``.
    """
    records: dict[str, Record] = {}
    for line in lines:
        record = _parse(line)
        if record is not None:
            records[record['key']] = record
    return list(records.values())


def missing(records: Sequence[Record], molecules: MoleculeTable) -> list[str]:
    """Return the InChIKeys of ``molecules`` that have no usable record."""
    known = {record['key'] for record in records}
    return [key for key in molecules.inchikeys if key not in known]


def labels_table(records: Sequence[Record], molecules: MoleculeTable) -> MoleculeTable:
    """Return the molecules that passed every check with their labels, in the order and with the source of the input.

    :param records: from :func:`read_results`.
    :param molecules: what was asked for; records of other molecules are left out.
    """
    passed = {record['key']: record for record in records if record['status'] == OK}
    rows = [row for row, key in enumerate(molecules.inchikeys) if key in passed]
    chosen = molecules.take(rows)
    columns: dict[Column, np.ndarray] = {}
    for row, key in enumerate(chosen.inchikeys):
        for target, column in record_columns(passed[key]).items():
            if target in passed[key]['properties']:
                empty = np.full(len(rows), np.nan)
                columns.setdefault(column, empty)[row] = passed[key]['properties'][target]
    return MoleculeTable(chosen.smiles, chosen.inchikeys, chosen.source, columns)


def record_columns(record: Record) -> dict[str, Column]:
    """Return the column of each property that a record has or should have; one without levels is of xTB."""
    levels: dict[str, str] = record.get('levels') or XTB_LEVELS
    environment = record.get('environment', GAS)
    return {target: Column(target, level, environment) for target, level in levels.items()}


def of_levels(records: Sequence[Record], columns: Mapping[str, Column]) -> list[Record]:
    """Return the records of those levels: a folder may hold some of an earlier job at others."""
    return [record for record in records if record_columns(record) == dict(columns)]


def verify(records: Sequence[Record], molecules: MoleculeTable) -> list[Record]:
    """Return the records of ``molecules``, flagged where a structure has not the atoms of its molecule."""
    formulas = dict(zip(molecules.inchikeys, map(formula, molecules.smiles), strict=True))
    known = [record for record in records if record['key'] in formulas]
    for record in known:
        atoms = [tuple(sorted(item['numbers'])) for item in record.get('geometries', {}).values()]
        if record['status'] == OK and any(found != formulas[record['key']] for found in atoms):
            record.update(status=FLAGGED, stage='check', reason='the structures are of another molecule')
    return known


def formula(smiles: str) -> tuple[int, ...]:
    """Return the atomic numbers of all atoms, rising; nothing when the text is no SMILES."""
    mol = Chem.MolFromSmiles(smiles)
    return () if mol is None else tuple(sorted(atom.GetAtomicNum() for atom in Chem.AddHs(mol).GetAtoms()))


def geometry_table(records: Sequence[Record]) -> GeometryTable:
    """Return the optimised geometries at charge 0, +1 and -1 of the molecules that passed every check."""
    level = next((record.get('geometry_level', XTB_GEOMETRY) for record in records if record['status'] == OK), None)
    found = [
        Geometry(record['key'], charge, np.array(item['numbers']), np.array(item['positions'], dtype=np.float64))
        for record in records
        if record['status'] == OK
        for charge in CHARGES
        if (item := record['geometries'].get(str(charge))) is not None
    ]
    return GeometryTable(found, level or XTB_GEOMETRY)


def failures(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Return SMILES, status, stage and reason of every molecule that is not in the labels, by InChIKey."""
    names = ('smiles', 'status', 'stage', 'reason')
    return {item['key']: {name: item.get(name) for name in names} for item in records if item['status'] != OK}


def summary(records: Sequence[Record]) -> dict[str, Any]:
    """Return counts, costs and failures as JSON values without NaN.

    ``cpu_seconds``, ``wall_seconds`` and ``engine_seconds`` are sums over molecules; the engine share of a job is
    ``engine_seconds / (wall seconds of the job * cores)``.
    """
    counts = {status: sum(record['status'] == status for record in records) for status in STATUSES}
    costs = {
        name: round(math.fsum(_number(record.get(name)) for record in records), 3)
        for name in ('cpu_seconds', 'wall_seconds', 'engine_seconds')
    }
    calls = sum(int(_number(record.get('gradient_calls'))) for record in records)
    versions: dict[str, str] = next(
        (found for record in records if isinstance(found := record.get('versions'), dict)), {}
    )
    totals = {'total': len(records), **counts, **costs, 'gradient_calls': calls}
    dropped = {record['key']: record['dropped'] for record in records if record.get('dropped')}
    return {**totals, 'versions': versions, 'failures': failures(records), **({'dropped': dropped} if dropped else {})}


def drop_untrusted(properties: dict[str, float], columns: Mapping[str, Column]) -> dict[str, str]:
    """Take out what an ion has at minima of another level that are none of the energies'; return why, by target.

    Only where geometries are of another level than energies: rigid molecules then relax by less than the two levels
    differ. What the neutral's geometry gives stays good. At one level the same is a fault, see :func:`implausible`.

    :param properties: by target name, in canonical units; changed.
    :param columns: of the properties, with their levels.
    """
    energy, _, geometry = columns['lambda_hole'].level.partition('//')
    dropped: dict[str, str] = {}
    if energy == geometry:
        return dropped
    for ion, (adiabatic, reorganisation) in RELAXED.items():
        vertical, sign = adiabatic.replace('adiabatic', 'vertical'), 1 if ion == 'cation' else -1
        if not {vertical, adiabatic, reorganisation} <= set(properties):
            continue
        rise = sign * (properties[adiabatic] - properties[vertical])
        if rise > OTHER_STATE:
            reason = f'the {ion} ends {rise:.2f} eV higher by its relaxation with {geometry}, to another state'
            dropped |= {adiabatic: reason, reorganisation: reason}
        elif (value := properties[reorganisation]) < -NOISE:
            dropped[reorganisation] = f'{value:.4f} eV is negative, as the geometries are of {geometry}'
    for name in dropped:
        del properties[name]
    return dropped


def implausible(properties: Mapping[str, float], names: Iterable[str] = tuple(XTB_LEVELS)) -> str | None:
    """Return why the numbers cannot be right, or None.

    :param properties: by target name, in canonical units.
    :param names: what must be there, but for the polarizability.
    """
    for name in names:
        value = properties.get(name)
        if value is None:
            if name != 'polarizability':
                return f'{name} is missing'
            continue
        target = TARGETS[name]
        if not target.low <= value <= target.high:
            return f'{name} = {value:.3f} {target.unit} lies outside [{target.low:g}, {target.high:g}]'
    above = properties.get('ie_adiabatic', -math.inf) - properties['ie_vertical']
    if above > OTHER_STATE:
        return f'the cation ends {above:.2f} eV higher by its own relaxation, which was that of another state'
    for kind in ('vertical', 'adiabatic'):
        if properties.get(f'ie_{kind}', math.inf) <= properties.get(f'ea_{kind}', -math.inf):
            return f'ie_{kind} is not above ea_{kind}'
    return None


def _parse(line: str) -> Record | None:
    if len(line) > MAX_LINE:
        return None
    try:
        record = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not _well_formed(record):
        return None
    if record['status'] == OK:
        columns = record_columns(record)
        record['dropped'] = drop_untrusted(record['properties'], columns)
        reason = implausible(record['properties'], [name for name in columns if name not in record['dropped']])
        if reason is not None:
            record.update(status=FLAGGED, reason=reason, stage='check')
    return record


def _well_formed(record: Any) -> bool:
    """Return whether the record can be used without further tests."""
    if not isinstance(record, dict) or record.get('status') not in STATUSES:
        return False
    if not isinstance(record.get('key'), str) or not isinstance(record.get('smiles'), str):
        return False
    if not _has_levels(record):
        return False
    if record['status'] == FAILED:
        return True
    properties, geometries = record.get('properties'), record.get('geometries')
    if not isinstance(properties, dict) or not isinstance(geometries, dict):
        return False
    return all(_is_number(value) for value in properties.values()) and all(map(_is_geometry, geometries.values()))


def _has_levels(record: Record) -> bool:
    """Return whether the levels, where there are any, name all that a label needs."""
    if not isinstance(record.get('geometry_level', ''), str):
        return False
    try:
        return set(record_columns(record)) >= set(XTB_LEVELS)
    except (OscError, AttributeError, TypeError):
        return False


def _is_geometry(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get('numbers'), list) or not item['numbers']:
        return False
    numbers, positions = item['numbers'], item.get('positions')
    if not all(isinstance(number, int) and 1 <= number <= 118 for number in numbers) or not isinstance(positions, list):
        return False
    rows = all(isinstance(row, list) and len(row) == 3 and all(map(_is_number, row)) for row in positions)
    return len(positions) == len(numbers) and rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0


def _refuse(name: str) -> float:
    raise ValueError(f'{name} is no JSON number')
