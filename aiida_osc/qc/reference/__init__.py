"""Published values of free molecules, which tell how far a level of theory is off."""

from aiida_osc.qc.reference.reader import DOI, KINDS, Reference, load_reference, parse_reference, preferred

__all__ = ['DOI', 'KINDS', 'Reference', 'load_reference', 'parse_reference', 'preferred']
