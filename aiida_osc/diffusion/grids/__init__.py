"""Fields on grids, such as the morphology of a film: making them, learning them, drawing new ones."""
