"""The command `mlmon`: the same pipeline from a shell."""
