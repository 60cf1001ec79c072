"""Molecules: standardisation, fingerprints, synthetic accessibility, diversity."""
