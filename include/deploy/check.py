"""Checks values against a chart: `python -m include.deploy.check CHART VALUES…`.

CHART is the folder or the .tgz of a chart, VALUES files as for `helm --values`. Names each key that the chart does not
know, since helm takes a misspelt one without a word, and each value of the wrong kind; then renders the chart with helm
and validates the manifests with kubeconform, where these are installed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

# below these, keys are names of the deployment's own
_FREE = frozenset({"nodeSelector", "annotations", "podAnnotations", "labels", "resources", "configVars"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Default values of a chart, and the schema of values."""

    defaults: Mapping[str, Any]
    schema: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Chart:
        """Read a chart from its folder or archive."""
        texts = {name: _read(path, name) for name in ("values.yaml", "values.schema.json")}
        return cls(defaults=yaml.safe_load(texts["values.yaml"]), schema=json.loads(texts["values.schema.json"]))

    def faults(self, values: Mapping[str, Any]) -> list[str]:
        """Name what the chart does not know, and what is of the wrong kind."""
        unknown = [f"{key}: the chart has no such key" for key in _unknown(values, self.defaults, self.schema)]
        merged = merge(self.defaults, values)
        wrong = [
            f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
            for error in Draft7Validator(self.schema).iter_errors(merged)
        ]
        return unknown + wrong


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Put values over others as helm does: maps are joined, all else is replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def read_values(paths: Sequence[Path]) -> dict[str, Any]:
    """Read files of values, the later ones over the earlier."""
    values: dict[str, Any] = {}
    for path in paths:
        values = merge(values, yaml.safe_load(path.read_text(encoding="utf-8")))
    return values


def _unknown(
    values: Mapping[str, Any], known: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[str]:
    """Name the keys that stand neither among the defaults nor in the schema."""
    if path[-1:] == ("config",) or path[:1] == ("config",):
        # options of Airflow's or Druid's own: others know them
        return
    declared = schema.get("properties", {})
    for key, value in values.items():
        if key not in known and key not in declared:
            yield ".".join((*path, key))
        elif key not in _FREE and isinstance(value, Mapping):
            yield from _unknown(value, known.get(key) or {}, declared.get(key, {}), (*path, key))


def _read(chart: Path, name: str) -> str:
    if chart.is_dir():
        return (chart / name).read_text(encoding="utf-8")
    with tarfile.open(chart) as archive:
        # <chart>/values.yaml, and not that of a chart within
        [member] = [one for one in archive.getnames() if Path(one).parts[1:] == (name,)]
        file = archive.extractfile(member)
        assert file is not None  # noqa: S101 - a file by its name
        return file.read().decode()


def render(chart: Path, values: Sequence[Path]) -> str:
    """Render a chart with helm."""
    given = [text for path in values for text in ("--values", str(path))]
    command = ["helm", "template", "mlmon", str(chart), "--namespace", "mlmon", *given]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(chart: Path, values: Sequence[Path]) -> int:
    """Check, print what is wrong, and return the exit code."""
    faults = Chart.read(chart).faults(read_values(values))
    print("\n".join(faults) or "the chart knows every key, and takes every value")
    for tool in ("helm", "kubeconform"):
        if shutil.which(tool) is None:
            print(f"not rendered: {tool} is not installed")
            return int(bool(faults))
    manifests = render(chart, values)
    checked = subprocess.run(["kubeconform", "-strict", "-summary", "-"], input=manifests, text=True, check=False)
    return int(bool(faults) or checked.returncode != 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]]))
