"""The served model in MLflow's layout, with its code, so that `mlflow.pyfunc` can load it anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow.pyfunc

from include.serving import model as trained
from include.serving import pyfunc as loader
from include.serving.model import DelayModel
from include.serving.registry import DATA

_NEEDED = ("lightgbm", "numpy", "pyarrow")


def pack(model: DelayModel, folder: Path) -> Path:
    """Write a model below a folder, and return where; the registry's reader finds its files at `DATA` below."""
    model.save(folder / DATA.name)
    code = folder / "include"
    (code / "serving").mkdir(parents=True)
    for module in (trained, loader):
        shutil.copy(str(module.__file__), code / "serving")
    packed = folder / "packed"
    mlflow.pyfunc.save_model(
        str(packed),
        loader_module=loader.__name__,
        data_path=str(folder / DATA.name),
        code_paths=[str(code)],
        pip_requirements=list(_NEEDED),
    )
    return packed
