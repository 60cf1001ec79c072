"""How well computed IE and EA separate the known p-type from the known n-type molecules of the seed set.

Prints means, their difference, the probability that a random n-type molecule has the higher value (area under the ROC
curve), and the share that the best single threshold puts on the right side.
"""

import numpy as np
from scipy.stats import mannwhitneyu

from aiida_osc.datasets.columns import Column
from aiida_osc.datasets.seed_set import load_seed, seed_roles
from aiida_osc.qc.levels import IPEA1


def main() -> None:
    table, roles = load_seed(), seed_roles()
    role = np.array([roles[key] for key in table.inchikeys])
    for target in ('ie_adiabatic', 'ea_adiabatic'):
        values = table.values(Column(target, IPEA1))
        p_type, n_type = (values[(role == name) & np.isfinite(values)] for name in ('p-type', 'n-type'))
        area = mannwhitneyu(n_type, p_type).statistic / (len(n_type) * len(p_type))
        right = max(
            (np.sum(p_type < cut) + np.sum(n_type >= cut)) / (len(p_type) + len(n_type)) for cut in np.unique(values)
        )
        print(
            f'{target} ({IPEA1}): p-type {p_type.mean():.2f} eV (n = {len(p_type)}), '
            f'n-type {n_type.mean():.2f} eV (n = {len(n_type)}), difference {n_type.mean() - p_type.mean():.2f} eV, '
            f'AUC {area:.3f}, {100 * right:.0f} % on the right side of the best threshold'
        )


if __name__ == '__main__':
    main()
