"""Known data sets, one file each: what their columns are, at which level, under which licence, and how to cite them."""
