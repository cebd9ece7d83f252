"""Local profiling engine: rows in, profiles out."""
