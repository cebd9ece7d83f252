"""Conversions of a column's values to its declared type, value by value and without loss."""
