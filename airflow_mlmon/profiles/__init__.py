"""Additive profiles: summaries of rows of which the sum is again a profile."""
