"""The seed set that ships with the package: the list of molecules, their labels, and the functions that read them."""

from aiida_osc.datasets.seed_set import load_seed, seed_entries, seed_roles

__all__ = ['load_seed', 'seed_entries', 'seed_roles']
