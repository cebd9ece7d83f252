"""Waits for what goes on elsewhere, without holding a worker."""
