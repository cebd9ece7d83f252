"""Evaluation: the one place where it is decided whether something is wrong."""
