"""Trained models that come with the package, a folder each, with a card that says how they were made."""
