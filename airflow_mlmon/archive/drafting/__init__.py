"""Drafting of a spec, from a sample of an archive."""
