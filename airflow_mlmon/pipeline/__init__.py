"""The nightly run of one partition in plain Python, one function a step."""
