"""Requests to an MLflow server, each in a process of its own."""
