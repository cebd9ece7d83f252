"""Declarations of the commands of `mlmon`, a module for each heading of its help."""
