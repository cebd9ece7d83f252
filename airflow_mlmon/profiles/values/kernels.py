"""Door to the compiled kernels; None where the package was built without a compiler.

Each has its equal in numpy beside its call, with the same results to the bit.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from types import ModuleType

_log = logging.getLogger(__name__)
_SOURCE = Path(__file__).with_name("_kernels.c")


def accept_kernels(compiled: ModuleType, source: Path) -> ModuleType | None:
    """Return the kernels if they were compiled from this source; else None, and a warning."""
    if hashlib.sha256(source.read_bytes()).hexdigest() == compiled.SOURCE:
        return compiled
    _log.warning(
        "%s was compiled from another source and is left out, which takes longer: "
        "run `python -m include.kernels.build`, or install the package again",
        compiled.__file__,
    )
    return None


kernels: ModuleType | None
try:
    from airflow_mlmon.profiles.values import _kernels  # type: ignore[attr-defined]
except ImportError:
    kernels = None
else:
    kernels = accept_kernels(_kernels, _SOURCE)
