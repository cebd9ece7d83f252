"""Nightly run of one partition in plain Python, one function per step."""
