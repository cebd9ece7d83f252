"""Models that predict one class of several."""
