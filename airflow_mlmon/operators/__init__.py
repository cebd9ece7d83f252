"""Operators, one per step of the nightly run."""
