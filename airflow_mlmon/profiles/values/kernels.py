"""Door to the compiled kernels; None where the package was built without a compiler.

Each has its equal in numpy beside its call, with the same results to the bit.
"""

from __future__ import annotations

from types import ModuleType

kernels: ModuleType | None
try:
    from airflow_mlmon.profiles.values import _kernels  # type: ignore[attr-defined]
except ImportError:
    kernels = None
else:
    kernels = _kernels
