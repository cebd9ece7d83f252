"""Column profiles, one module per kind."""
