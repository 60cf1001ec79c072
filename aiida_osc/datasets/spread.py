"""How far labels lie apart."""

import numpy as np

#: A spread below this share of the largest value drowns in the rounding of the values themselves.
ROUNDING = 1e-9


def spread(values: np.ndarray) -> float:
    """Return the standard deviation; 0 for fewer than two labels, and where it is only that of rounding.

    :param values: NaN where missing, any shape.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return 0.0
    found = float(known.std())
    return found if found > ROUNDING * max(1.0, float(np.abs(known).max())) else 0.0
