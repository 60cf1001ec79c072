"""Package data: the seed list of organic semiconductors and its labels."""
