"""Structures of molecules by diffusion on their bond graphs: features, network, training, the finished model."""
