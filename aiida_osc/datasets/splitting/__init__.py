"""Parts for training, validation and test."""
