"""What the evaluation is asked with, and what follows from its verdicts."""
