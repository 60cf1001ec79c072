"""Calcfunctions, one per file, each three moves: open nodes, call one pure function, wrap the results."""
