"""The profile of one column, by its kind."""
