"""Checks of the curated partition, and their inference from the baseline."""
