"""Slices of past days."""
