"""Restart work chains, one per engine."""
