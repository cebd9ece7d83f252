"""Envelopes: the records of a serving system, unpacked to one row per prediction."""
