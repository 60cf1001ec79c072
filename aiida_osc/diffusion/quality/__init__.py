"""How good structures are: against references, in themselves, and for what comes after them."""
