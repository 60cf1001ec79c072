"""Property prediction with calibrated uncertainty: a directed MPNN ensemble."""
