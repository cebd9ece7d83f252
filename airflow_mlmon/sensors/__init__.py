"""Waits for what a run needs."""
