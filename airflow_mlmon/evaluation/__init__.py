"""Evaluation: the single place where values are found to be in breach."""
