"""Command line `mlmon`: the same pipeline from a shell."""
