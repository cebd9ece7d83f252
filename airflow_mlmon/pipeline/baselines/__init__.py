"""Baselines of a partition, and their acceptance."""
