"""Tables of molecules and geometries: reading, writing, merging, splitting."""
