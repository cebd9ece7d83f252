"""The peers' own environments: Python 3.11 with the pins that each needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Newer pyarrow asks for numpy 2.
_PINS = ("pandas<2.2", "numpy<2", "setuptools<80", "pyarrow<21")
_REQUIREMENTS = {
    "nannyml": ("nannyml", "statsmodels"),
    "whylogs": ("whylogs[viz]",),
    "popmon": ("popmon",),
    "polars": ("polars",),
}
PEERS = ("evidently", *_REQUIREMENTS)


def interpreter(build: Path, peer: str) -> Path:
    """The Python of a peer's environment, made unless it is there; evidently is in our own."""
    if peer not in _REQUIREMENTS:
        return Path(sys.executable)
    python = build / "environments" / peer / "bin" / "python"
    ready = python.parent.parent / "ready"
    if not ready.exists():
        uv = Path(sys.executable).with_name("uv")
        options = ["--quiet", "--no-progress", "--system-certs"]
        subprocess.run([uv, *options, "venv", "--clear", "--python", "3.11", python.parent.parent], check=True)
        requirements = [*_REQUIREMENTS[peer], *_PINS]
        subprocess.run([uv, *options, "pip", "install", "--python", python, *requirements], check=True)
        ready.touch()
    return python
