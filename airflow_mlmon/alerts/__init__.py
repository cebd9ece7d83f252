"""Alerts made from verdicts, and their delivery to channels."""
