"""Quantum chemistry as pure functions: levels of theory, the four-point scheme, the batch runner."""
