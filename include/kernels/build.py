"""Compiles the kernels of the profiling engine, where a compiler is; without them the same results take longer.

The build of a wheel takes them in, and that of an editable install puts them into this tree, as
`python -m include.kernels.build` does. The module bears a hash of its source, without which it is not used.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parents[2]
SOURCE = Path("airflow_mlmon/profiles/values/_kernels.c")
# one file for every Python from 3.11 on
MODULE = SOURCE.with_suffix(".abi3.so")
_COMPILERS = ("cc", "gcc", "clang")
_OLDEST_LIBRARY = (2, 17)


class KernelHook(BuildHookInterface):
    """Build with the compiled kernels, or as pure Python without a compiler."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them, and name the wheel by the oldest C library that can load them."""
        try:
            module = compile_kernels(ROOT)
        except subprocess.CalledProcessError as error:
            self.app.display_warning(f"the kernels are left out: {error}")
            module = None
        if self.target_name == "wheel" and version == "standard" and module:
            major, minor = _library_of(module)
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-manylinux_{major}_{minor}_{platform.machine()}"
            build_data["artifacts"].append(str(MODULE))


def compile_kernels(folder: Path) -> Path | None:
    """Compile the kernels to a folder that is laid out as this tree; None without a compiler."""
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    headers = sysconfig.get_path("include")
    if compiler is None or sys.platform != "linux" or not Path(headers, "Python.h").exists():
        return None
    module = folder / MODULE
    module.parent.mkdir(parents=True, exist_ok=True)
    part = module.with_suffix(".part")
    # a fused multiplication and addition would round once where numpy rounds twice
    digest = hashlib.sha256((ROOT / SOURCE).read_bytes()).hexdigest()
    flags = [
        f'-DSOURCE="{digest}"',
        "-O3",
        "-std=gnu11",
        "-fPIC",
        "-shared",
        "-ffp-contract=off",
        "-Wall",
        "-Werror",
        f"-I{headers}",
    ]
    subprocess.run([compiler, *flags, str(ROOT / SOURCE), "-o", str(part)], check=True)
    return part.rename(module)


def _library_of(module: Path) -> tuple[int, int]:
    """Return the oldest C library with all that the module asks it for."""
    asked = re.findall(rb"GLIBC_(\d+)\.(\d+)", module.read_bytes())
    return max([_OLDEST_LIBRARY, *((int(major), int(minor)) for major, minor in asked)])


if __name__ == "__main__":
    sys.stdout.write(f"{compile_kernels(ROOT) or 'no compiler: the kernels are left out'}\n")
