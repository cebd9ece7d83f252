"""Layouts of an archive: which of its objects belong to a day."""
