"""Keeps pytest from importing the peers' scripts, which run in environments of their own."""

collect_ignore_glob = [
    "day/peers/*.py",
    "profiles/peers/*.py",
    "models/peers/*.py",
    "faults/peers/nannyml_daily.py",
    "capture/fixed_payload.py",
]
