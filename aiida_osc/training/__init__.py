"""The one training loop: device, precision, pieces, checkpoints, early stopping."""
