"""Models that predict a class of two: 0 or 1, true or false."""
