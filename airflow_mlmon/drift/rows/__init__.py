"""Rows of a day against each other and against those of earlier days: relations, dependence and repetition."""
