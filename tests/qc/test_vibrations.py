"""Tests of harmonic frequencies from a Hessian."""

import numpy as np
import pytest

from aiida_osc.errors import OscError
from aiida_osc.qc.vibrations import harmonic_modes


def spring(positions, constant):
    """Return the Hessian of a spring along each bond of a chain."""
    atoms = len(positions)
    hessian = np.zeros((3 * atoms, 3 * atoms))
    for first in range(atoms - 1):
        axis = positions[first + 1] - positions[first]
        axis = axis / np.linalg.norm(axis)
        ends = np.zeros(3 * atoms)
        ends[3 * first : 3 * first + 3], ends[3 * first + 3 : 3 * first + 6] = -axis, axis
        hessian += constant * np.outer(ends, ends)
    return hessian


def test_diatomic_has_the_frequency_of_its_reduced_mass():
    # Carbon monoxide, force constant 1.857 N/m x 1000, r_e 1.128 A: 2143 cm^-1 (harmonic 2170, Huber and Herzberg).
    positions = np.array([[0.0, 0.0, 0.0], [1.2, 1.0, 1.4]])
    constant = 1902.0 / 1556.893  # N/m in hartree/bohr^2

    frequencies, modes = harmonic_modes(spring(positions, constant), np.array([12.0, 15.9949]), positions)

    assert frequencies == pytest.approx([2170], abs=2)
    assert modes.shape == (1, 2, 3)
    assert np.linalg.norm(modes[0]) == pytest.approx(1)
    np.testing.assert_allclose(modes[0, 0] * 12.0, -modes[0, 1] * 15.9949, atol=1e-12)


def test_number_of_modes_and_sign():
    positions = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.1]])
    masses = np.array([1.0, 16.0, 1.0])

    frequencies, modes = harmonic_modes(-spring(positions, 0.5), masses, positions)

    assert frequencies.shape == (3,)
    assert (frequencies[:2] < -100).all()
    assert frequencies[2] == pytest.approx(0, abs=1e-3), 'a spring does not resist bending'
    assert modes.shape == (3, 3, 3)
    np.testing.assert_allclose((masses[:, None] * modes).sum(axis=1), 0, atol=1e-10)


def test_does_not_depend_on_place_and_orientation():
    positions = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.1]])
    masses = np.array([1.0, 16.0, 1.0])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turned = positions @ turn + 5
    first = harmonic_modes(spring(positions, 0.5), masses, positions)[0]
    np.testing.assert_allclose(harmonic_modes(spring(turned, 0.5), masses, turned)[0], first, atol=1e-3)


def test_refuses_what_does_not_fit():
    with pytest.raises(OscError, match='does not fit 2 atoms'):
        harmonic_modes(np.zeros((3, 3)), np.ones(2), np.zeros((2, 3)))
    with pytest.raises(OscError, match='not finite'):
        harmonic_modes(np.full((6, 6), np.nan), np.ones(2), np.zeros((2, 3)))
