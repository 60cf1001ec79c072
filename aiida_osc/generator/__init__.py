"""Junction-tree variational autoencoder: motifs, vocabulary, model, sampling."""
