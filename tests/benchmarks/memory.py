"""How much memory this process has."""

from __future__ import annotations

from pathlib import Path


def memory_mib(name: str) -> float:
    """VmRSS, what is held now, or VmHWM, the most that was held since the peak was forgotten.

    Not getrusage: its peak includes that of the parent before it started this program.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) / 1024
