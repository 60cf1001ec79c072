import numpy as np

from aiida_osc.qc.fourpoint_runner.steps import restricted_step, update_hessian


def test_restricted_step_never_exceeds_the_radius():
    generator = np.random.default_rng(1)
    for _ in range(20):
        curvatures, force = np.sort(generator.normal(size=8)), generator.normal(size=8)
        move = restricted_step(curvatures, force, 0.3)
        assert np.linalg.norm(move) <= 0.3 + 1e-9
        assert force @ move < 0


def test_update_is_secant_and_positive_definite():
    generator = np.random.default_rng(2)
    change, slope = generator.normal(size=6), generator.normal(size=6)
    if change @ slope < 0.2 * change @ change:
        slope = slope + change * (1 + abs(change @ slope) / (change @ change))
    hessian = update_hessian(np.eye(6), change, slope)
    assert np.allclose(hessian @ change, slope)
    assert np.linalg.eigvalsh(update_hessian(np.eye(6), change, -slope)).min() > 0
