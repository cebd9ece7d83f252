"""Slices of past days after the fact."""
