"""CalcJobs and calcfunctions."""
