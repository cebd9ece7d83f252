"""Input of the evaluation, and consequences of its verdicts."""
