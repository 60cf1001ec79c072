"""Graph Laplacians and their eigenbases."""
