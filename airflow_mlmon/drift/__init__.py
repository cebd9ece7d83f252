"""Drift scores: distances of a partition from its reference, from profiles."""
