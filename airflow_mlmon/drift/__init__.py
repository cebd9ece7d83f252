"""Drift: how far a partition lies from its reference, from the two profiles alone."""
