import numpy as np
import pytest

from aiida_osc.chem.molecules import MoleculeError
from aiida_osc.chem.synthesis import sa_scores


def test_easy_molecules_score_below_hard_ones():
    # Strychnine against benzene and TPD; the paper's scale is 1 (easy) to 10 (hard)
    strychnine = 'O=C1CC2OCC=C3CN4CCC56C4CC3C2C6N1c1ccccc15'
    benzene, tpd, hard = sa_scores(['c1ccccc1', 'Cc1cccc(N(c2ccccc2)c2ccc(-c3ccc(N(C)c4ccccc4)cc3)cc2)c1', strychnine])
    assert 1.0 <= benzene < tpd < 3.0 < hard < 10.0


def test_none_and_bad():
    assert sa_scores([]).shape == (0,)
    assert sa_scores(['C']).dtype == np.float64
    with pytest.raises(MoleculeError):
        sa_scores(['not'])
