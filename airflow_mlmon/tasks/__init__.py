"""Kinds of model: what is archived of each, what its labels say, and what of it is shown first."""
