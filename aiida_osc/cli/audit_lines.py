"""An audit as lines of text, for ``aiida-osc data audit``."""

from collections.abc import Iterator

from aiida_osc.datasets.audit.records import KINDS, Audit, SetAudit

#: Findings that are printed of each kind; the page and the JSON have more.
SHOWN = 5


def audit_lines(audit: Audit) -> Iterator[str]:
    """Yield the lines that tell an audit."""
    for number, record in enumerate(audit.sets):
        yield from ('',) if number else ()
        yield from _set(record)
    for item in audit.overlaps:
        yield (
            f'{item.first} and {item.second} share {item.molecules} molecules ({item.common_test} of the common test '
            f'split) and {item.skeletons} skeletons'
        )


def _set(record: SetAudit) -> Iterator[str]:
    yield f'{record.name}: {record.molecules} molecules, {record.common_test} in the common test split'
    yield from _columns(record)
    for item in record.levels:
        targets = ', '.join(item.targets)
        yield f'  {item.level} ({item.environment}): {item.any} molecules with any, {item.all} with all of {targets}'
    for computed, advice in ((False, ''), (True, ' (aiida-osc data describe adds them)')):
        shares = {
            item.target: item.molecules / record.molecules for item in record.targets if item.computed is computed
        }
        missing = [target for target, share in shares.items() if not share]
        partial = [f'{target} ({100 * share:.1f} %)' for target, share in shares.items() if 0 < share < 1]
        yield from (f'  missing: {", ".join(missing)}{advice}',) if missing else ()
        yield from (f'  in part: {", ".join(partial)}',) if partial else ()
    structures = record.structures
    yield '  elements: ' + ', '.join(f'{name} ({count})' for name, count in structures.elements.items())
    sizes = [size for size, count in structures.sizes.items() for _ in range(count)]
    if sizes:
        yield f'  heavy atoms: {sizes[0]} to {sizes[-1]}, median {sizes[len(sizes) // 2]}'
    for group in structures.duplicates:
        what = 'differ in stereochemistry only' if group.kind == 'stereo' else 'are tautomers'
        yield f'  {group.molecules} molecules in {group.groups} groups {what}'
    if structures.unparsable_count:
        yield f'  {structures.unparsable_count} SMILES are no molecules: {", ".join(structures.unparsable)}'
    yield from (f'  {column.column}: {flag}' for column in record.columns for flag in column.flags)
    yield from _findings(record)


def _columns(record: SetAudit) -> Iterator[str]:
    if not record.columns:
        return
    width = max(len(item.column) for item in record.columns)
    names = ('min', 'median', 'max')
    yield (
        f'  {"column":<{width}}  {"unit":<10}{"labels":>8}{"share":>8}' + ''.join(f'{name:>10}' for name in names)
        + f'{"impossible":>12}{"suspect":>9}{"outliers":>10}'
    )  # fmt: skip
    for item in record.columns:
        values = (item.low, item.median, item.high)
        numbers = ''.join(f'{"-" if value is None else f"{value:.4g}":>10}' for value in values)
        yield (
            f'  {item.column:<{width}}  {item.unit:<10}{item.labels:>8}{100 * item.share:>7.1f}%{numbers}'
            f'{item.impossible:>12}{item.suspect:>9}{item.outliers:>10}'
        )


def _findings(record: SetAudit) -> Iterator[str]:
    for kind in KINDS:
        found = [item for item in record.findings if item.kind == kind]
        for item in found[:SHOWN]:
            yield f'  {kind}: {item.column} = {item.value:.4g}, {item.reason}: {item.inchikey} {item.smiles}'
        if len(found) > SHOWN:
            yield f'  ... and {len(found) - SHOWN} more {kind} values (--out PAGE.html or --json name them)'
