"""Kinds of databases that the metric store works on, one class each."""
