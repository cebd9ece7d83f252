"""Examination of a deployment: what it needs, what is wrong, and what to do about it."""
