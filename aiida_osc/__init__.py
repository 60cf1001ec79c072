"""AiiDA plugin that discovers organic semiconductors for solar cells and electronics."""

__version__ = '0.1.0'
