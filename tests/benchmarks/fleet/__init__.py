"""A fleet of 500 models with a year of days each: what its pages and one more night cost."""
