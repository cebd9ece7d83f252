"""Additive profiles: summaries of rows whose sum is again a profile."""
