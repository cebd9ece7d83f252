"""Values of Arrow columns as numbers, exact and in blocks."""
