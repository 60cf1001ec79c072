"""Start the runner in the folder that is given, or in this one."""

import os
import sys

if __name__ == '__main__':
    # One process per core: threads inside the linear algebra would only fight each other; must precede numpy.
    for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
        os.environ[_name] = '1'

    from .main import run

    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else '.'))
