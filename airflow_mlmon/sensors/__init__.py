"""Sensors for the inputs of a run."""
