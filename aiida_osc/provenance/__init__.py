"""Provenance queries that return plain records."""
