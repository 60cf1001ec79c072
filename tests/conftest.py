"""Fixtures of the whole suite."""

pytest_plugins = ['aiida.tools.pytest_fixtures']
