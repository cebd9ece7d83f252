"""Models that rank the rows of a group, such as the results of a query."""
