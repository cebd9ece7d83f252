"""Triggers that wait without occupying a worker."""
