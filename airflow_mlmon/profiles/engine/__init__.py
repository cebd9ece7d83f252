"""The local engine: rows in, profiles out."""
